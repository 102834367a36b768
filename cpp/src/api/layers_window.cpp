// Layers with a sliding window: convolution, deconvolution, pooling.
#include "api/attributes.hpp"
#include "tensorvk/layers.h"

namespace tensorvk {

using graph::ConvolutionAttributes;
using graph::PoolingAttributes;

TENSORVK_ATTRIBUTE(IConvolutionBase, int64_t, NbOutputMaps, ConvolutionAttributes, maps)
TENSORVK_WINDOW_ATTRIBUTE(IConvolutionBase, KernelSizeNd, ConvolutionAttributes, kernel, kernel, 1)
TENSORVK_WINDOW_ATTRIBUTE(IConvolutionBase, StrideNd, ConvolutionAttributes, stride, kernel, 1)
TENSORVK_WINDOW_ATTRIBUTE(IConvolutionBase, DilationNd, ConvolutionAttributes, dilation, kernel, 1)
TENSORVK_WINDOW_ATTRIBUTE(IConvolutionBase, PrePadding, ConvolutionAttributes, pre, kernel, 0)
TENSORVK_WINDOW_ATTRIBUTE(IConvolutionBase, PostPadding, ConvolutionAttributes, post, kernel, 0)
TENSORVK_ATTRIBUTE(IConvolutionBase, PaddingMode, PaddingMode, ConvolutionAttributes, padding_mode)
TENSORVK_ATTRIBUTE(IConvolutionBase, int64_t, NbGroups, ConvolutionAttributes, geometry.groups)
TENSORVK_WEIGHTS_ATTRIBUTE(IConvolutionBase, KernelWeights, ConvolutionAttributes, kernel)
TENSORVK_WEIGHTS_ATTRIBUTE(IConvolutionBase, BiasWeights, ConvolutionAttributes, bias)

void IConvolutionBase::setPaddingNd(const Dims& padding) {
    api::change_attributes<ConvolutionAttributes>(
        *this, [&](ConvolutionAttributes& a) { a.geometry.pre = a.geometry.post = api::to_vector(padding); });
}
Dims IConvolutionBase::getPaddingNd() const {
    return getPrePadding();
}

DimsHW IConvolutionBase::getKernelSize() const {
    return api::as_hw(getKernelSizeNd());
}
DimsHW IConvolutionBase::getStride() const {
    return api::as_hw(getStrideNd());
}
DimsHW IConvolutionBase::getDilation() const {
    return api::as_hw(getDilationNd());
}
DimsHW IConvolutionBase::getPadding() const {
    return api::as_hw(getPaddingNd());
}

TENSORVK_ATTRIBUTE(IPoolingLayer, PoolingType, PoolingType, PoolingAttributes, op)
TENSORVK_WINDOW_ATTRIBUTE(IPoolingLayer, WindowSizeNd, PoolingAttributes, window, window, 1)
TENSORVK_WINDOW_ATTRIBUTE(IPoolingLayer, StrideNd, PoolingAttributes, stride, window, 1)
TENSORVK_WINDOW_ATTRIBUTE(IPoolingLayer, PrePadding, PoolingAttributes, pre, window, 0)
TENSORVK_WINDOW_ATTRIBUTE(IPoolingLayer, PostPadding, PoolingAttributes, post, window, 0)
TENSORVK_ATTRIBUTE(IPoolingLayer, PaddingMode, PaddingMode, PoolingAttributes, padding_mode)
TENSORVK_ATTRIBUTE(IPoolingLayer, float, BlendFactor, PoolingAttributes, blend_factor)
TENSORVK_ATTRIBUTE(IPoolingLayer, bool, AverageCountExcludesPadding, PoolingAttributes, geometry.exclude_padding)

void IPoolingLayer::setPaddingNd(const Dims& padding) {
    api::change_attributes<PoolingAttributes>(
        *this, [&](PoolingAttributes& a) { a.geometry.pre = a.geometry.post = api::to_vector(padding); });
}
Dims IPoolingLayer::getPaddingNd() const {
    return getPrePadding();
}

DimsHW IPoolingLayer::getWindowSize() const {
    return api::as_hw(getWindowSizeNd());
}
DimsHW IPoolingLayer::getStride() const {
    return api::as_hw(getStrideNd());
}
DimsHW IPoolingLayer::getPadding() const {
    return api::as_hw(getPaddingNd());
}

} // namespace tensorvk
