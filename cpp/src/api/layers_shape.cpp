// Layers that move elements: shuffle, slice, padding, concatenation, gather, resize.
#include "api/attributes.hpp"
#include "api/padding.hpp"
#include "tensorvk/layers.h"

namespace tensorvk {

using graph::ConcatenationAttributes;
using graph::GatherAttributes;
using graph::ResizeAttributes;
using graph::ShuffleAttributes;
using graph::SliceAttributes;

TENSORVK_ATTRIBUTE(IConcatenationLayer, int32_t, Axis, ConcatenationAttributes, axis)

TENSORVK_ATTRIBUTE(IGatherLayer, int32_t, GatherAxis, GatherAttributes, axis)
TENSORVK_ATTRIBUTE(IGatherLayer, int32_t, NbElementWiseDims, GatherAttributes, elementwise_dims)
TENSORVK_ATTRIBUTE(IGatherLayer, GatherMode, Mode, GatherAttributes, mode)

TENSORVK_ATTRIBUTE(IShuffleLayer, bool, ZeroIsPlaceholder, ShuffleAttributes, zero_is_placeholder)

void IShuffleLayer::setFirstTranspose(const Permutation& permutation) {
    api::change_attributes<ShuffleAttributes>(*this, [&](ShuffleAttributes& a) { a.first_transpose = permutation; });
}
Permutation IShuffleLayer::getFirstTranspose() const {
    return api::attributes<ShuffleAttributes>(*this).first_transpose.value_or(Permutation{});
}
void IShuffleLayer::setSecondTranspose(const Permutation& permutation) {
    api::change_attributes<ShuffleAttributes>(*this, [&](ShuffleAttributes& a) { a.second_transpose = permutation; });
}
Permutation IShuffleLayer::getSecondTranspose() const {
    return api::attributes<ShuffleAttributes>(*this).second_transpose.value_or(Permutation{});
}
void IShuffleLayer::setReshapeDimensions(const Dims& dimensions) {
    api::change_attributes<ShuffleAttributes>(*this, [&](ShuffleAttributes& a) {
        a.reshape.reset();
        if (dimensions.nbDims >= 0) {
            a.reshape = api::to_vector(dimensions);
        }
    });
}
Dims IShuffleLayer::getReshapeDimensions() const {
    const auto& reshape = api::attributes<ShuffleAttributes>(*this).reshape;
    if (getNbInputs() > 1) {
        return api::no_dims();
    }
    return reshape ? api::to_dims(*reshape) : getOutput(0)->getDimensions();
}

#define TENSORVK_SLICE_ATTRIBUTE(Name, field)                                                                         \
    void ISliceLayer::set##Name(const Dims& value) {                                                                  \
        api::change_attributes<SliceAttributes>(*this, [&](SliceAttributes& a) { a.field = api::to_vector(value); }); \
    }                                                                                                                 \
    Dims ISliceLayer::get##Name() const {                                                                             \
        return api::to_dims(api::attributes<SliceAttributes>(*this).field);                                           \
    }

TENSORVK_SLICE_ATTRIBUTE(Start, start)
TENSORVK_SLICE_ATTRIBUTE(Size, size)
TENSORVK_SLICE_ATTRIBUTE(Stride, stride)
TENSORVK_SLICE_ATTRIBUTE(Axes, axes)
TENSORVK_ATTRIBUTE(ISliceLayer, SampleMode, Mode, SliceAttributes, mode)

Dims IPaddingLayer::getPrePaddingNd() const {
    return api::padding_of(*this).pre;
}
Dims IPaddingLayer::getPostPaddingNd() const {
    return api::padding_of(*this).post;
}
void IPaddingLayer::setPrePaddingNd(const Dims& padding) {
    api::set_padding(*this, {padding, getPostPaddingNd()});
}
void IPaddingLayer::setPostPaddingNd(const Dims& padding) {
    api::set_padding(*this, {getPrePaddingNd(), padding});
}

TENSORVK_ATTRIBUTE(IResizeLayer, InterpolationMode, ResizeMode, ResizeAttributes, mode)
TENSORVK_ATTRIBUTE(IResizeLayer, ResizeCoordinateTransformation, CoordinateTransformation, ResizeAttributes,
                   coordinates)
TENSORVK_ATTRIBUTE(IResizeLayer, ResizeSelector, SelectorForSinglePixel, ResizeAttributes, selector)
TENSORVK_ATTRIBUTE(IResizeLayer, ResizeRoundMode, NearestRounding, ResizeAttributes, rounding)
TENSORVK_ATTRIBUTE(IResizeLayer, float, CubicCoeff, ResizeAttributes, cubic_coeff)
TENSORVK_ATTRIBUTE(IResizeLayer, bool, ExcludeOutside, ResizeAttributes, exclude_outside)

void IResizeLayer::setOutputDimensions(const Dims& dimensions) {
    api::change_attributes<ResizeAttributes>(*this, [&](ResizeAttributes& a) {
        a.shape = api::to_vector(dimensions);
        a.scales.clear();
    });
}
Dims IResizeLayer::getOutputDimensions() const {
    return getOutput(0)->getDimensions();
}

void IResizeLayer::setScales(const float* scales, int32_t count) {
    api::change_attributes<ResizeAttributes>(*this, [&](ResizeAttributes& a) {
        a.scales.assign(scales, scales + std::max(count, 0));
        a.shape.clear();
    });
}
int32_t IResizeLayer::getScales(int32_t size, float* scales) const {
    const auto& own = api::attributes<ResizeAttributes>(*this).scales;
    if (own.empty()) {
        return -1;
    }
    std::copy_n(own.begin(), std::min(own.size(), static_cast<std::size_t>(std::max(size, 0))), scales);
    return static_cast<int32_t>(own.size());
}

void IResizeLayer::setAlignCorners(bool align) {
    setCoordinateTransformation(align ? ResizeCoordinateTransformation::kALIGN_CORNERS
                                      : ResizeCoordinateTransformation::kASYMMETRIC);
}
bool IResizeLayer::getAlignCorners() const {
    return getCoordinateTransformation() == ResizeCoordinateTransformation::kALIGN_CORNERS;
}

} // namespace tensorvk
