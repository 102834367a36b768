// Attributes of the layers that are ONNX operators or made of them.
#include <array>

#include "api/attributes.hpp"
#include "api/quantization.hpp"
#include "support/dtype.hpp"
#include "support/onnx_type.hpp"
#include "support/shape_text.hpp"
#include "tensorvk/operator_layers.h"

namespace tensorvk {

using graph::OperatorAttributes;

namespace {

const AttributeSet& set_of(const ILayer& layer) {
    return api::attributes<OperatorAttributes>(layer).attributes;
}

template <typename Change>
void change(ILayer& layer, Change&& with) {
    api::change_attributes<OperatorAttributes>(layer, [&](OperatorAttributes& a) { with(a.attributes); });
}

bool set_indices_type(ILayer& layer, DataType type) {
    return api::succeeds(api::Access::state(layer).reporter(), [&] {
        if (type != DataType::kINT32 && type != DataType::kINT64) {
            throw InvalidArgument(text("Layer '", layer.getName(), "' can give its indices as int32 or int64 only."));
        }
        change(layer, [&](AttributeSet& a) { a.set("indices_type", static_cast<std::int64_t>(type)); });
    });
}

template <typename Mode>
struct NamedMode {
    Mode mode;
    const char* name; // ONNX's
};

constexpr std::array kInterpolations{NamedMode<InterpolationMode>{InterpolationMode::kLINEAR, "linear"},
                                     NamedMode<InterpolationMode>{InterpolationMode::kNEAREST, "nearest"},
                                     NamedMode<InterpolationMode>{InterpolationMode::kCUBIC, "cubic"},
                                     NamedMode<InterpolationMode>{InterpolationMode::kLINEAR, "bilinear"}, // ONNX before operator set 20
                                     NamedMode<InterpolationMode>{InterpolationMode::kCUBIC, "bicubic"}};
constexpr std::array kSamples{NamedMode<SampleMode>{SampleMode::kFILL, "zeros"}, NamedMode<SampleMode>{SampleMode::kCLAMP, "border"},
                              NamedMode<SampleMode>{SampleMode::kREFLECT, "reflection"}};

} // namespace

bool INonZeroLayer::setIndicesType(DataType type) {
    return set_indices_type(*this, type);
}
DataType INonZeroLayer::getIndicesType() const {
    return getOutputType(0);
}

TENSORVK_OPERATOR_INTEGER(IOneHotLayer, int32_t, Axis, "axis", -1)

TENSORVK_OPERATOR_INTEGER(INMSLayer, BoundingBoxFormat, BoundingBoxFormat, "format", BoundingBoxFormat::kCORNER_PAIRS)
TENSORVK_OPERATOR_INTEGER(INMSLayer, int32_t, TopKBoxLimit, "limit", 5000)
bool INMSLayer::setIndicesType(DataType type) {
    return set_indices_type(*this, type);
}
DataType INMSLayer::getIndicesType() const {
    return getOutputType(0);
}

void IFillLayer::setDimensions(const Dims& dimensions) {
    change(*this, [&](AttributeSet& a) { a.set("shape", api::to_vector(dimensions)); });
}
Dims IFillLayer::getDimensions() const {
    return getInput(0) != nullptr ? api::no_dims() : api::to_dims(set_of(*this).integers("shape"));
}
TENSORVK_OPERATOR_INTEGER(IFillLayer, FillOperation, Operation, "operation", FillOperation::kLINSPACE)
TENSORVK_OPERATOR_INTEGER(IFillLayer, DataType, ToType, "type", DataType::kFLOAT)
TENSORVK_OPERATOR_REAL(IFillLayer, double, Alpha, "alpha", 0.0)
TENSORVK_OPERATOR_REAL(IFillLayer, double, Beta, "beta", 1.0)
int64_t IFillLayer::getAlphaInt64() const {
    return graph::is_exact_integer(getAlpha()) ? static_cast<int64_t>(getAlpha()) : 0;
}
int64_t IFillLayer::getBetaInt64() const {
    return graph::is_exact_integer(getBeta()) ? static_cast<int64_t>(getBeta()) : 0;
}

void IQuantizationBase::setAxis(int32_t axis) {
    change(*this, [&](AttributeSet& a) { a.set("axis", std::int64_t{axis}); });
}
int32_t IQuantizationBase::getAxis() const {
    return static_cast<int32_t>(set_of(*this).integer("axis", -1));
}
bool IQuantizationBase::setBlockShape(const Dims& shape) {
    return api::succeeds(network_->reporter(), [&] {
        auto extents = api::to_vector(shape);
        const Dims whole = getInput(0)->getDimensions();
        for (std::size_t i = 0; i < extents.size() && static_cast<std::int32_t>(i) < whole.nbDims; ++i) {
            extents[i] = extents[i] == -1 ? whole.d[i] : extents[i];
        }
        const bool positive = std::ranges::all_of(extents, [](std::int64_t extent) { return extent > 0; });
        const auto long_ones = std::ranges::count_if(extents, [](std::int64_t extent) { return extent != 1; });
        if (extents.size() != layer_->inputs[0]->dims.size() || long_ones > 1 || !positive) {
            throw Unsupported(text("Layer '", layer_->name, "' was given the block shape ", shape_text(extents), " for ", shape_text(api::view(whole)),
                                   "; one number above 0 per dimension of the input (-1: all of it), at most one of them not 1, is possible."));
        }
        const auto at = std::ranges::find_if(extents, [](std::int64_t extent) { return extent != 1; });
        change(*this, [&](AttributeSet& a) {
            a.set("block_shape", extents);
            a.set("axis", at == extents.end() ? std::int64_t{0} : at - extents.begin());
            a.set("block_size", at == extents.end() ? std::int64_t{1} : *at);
        });
    });
}
Dims IQuantizationBase::getBlockShape() const {
    const auto shape = set_of(*this).integers("block_shape");
    return shape.empty() ? api::no_dims() : api::to_dims(shape);
}
void IQuantizationBase::setToType(DataType type) {
    api::succeeds(network_->reporter(), [&] {
        (void)onnx_number(type == DataType::kINT4 ? DataType::kINT8 : type); // refused before anything changes
        change(*this, [&](AttributeSet& a) { api::set_quantized_type(a, type); });
    });
}
DataType IQuantizationBase::getToType() const {
    return getOutputType(0);
}

bool IEinsumLayer::setEquation(const char* equation) {
    return api::succeeds(network_->reporter(), [&] {
        graph::Attributes before = layer_->attributes;
        std::get<OperatorAttributes>(layer_->attributes).attributes.set("equation", api::required(equation, "equation"));
        try {
            network_->graph().update(layer_);
        } catch (const Error&) {
            layer_->attributes = std::move(before);
            throw;
        }
    });
}
const char* IEinsumLayer::getEquation() const {
    return std::get<std::string>(set_of(*this).values().at("equation")).c_str();
}

void IScatterLayer::setMode(ScatterMode mode) {
    api::change_attributes<OperatorAttributes>(
        *this, [&](OperatorAttributes& a) { a.op = mode == ScatterMode::kND ? "ScatterND" : "ScatterElements"; });
}
ScatterMode IScatterLayer::getMode() const {
    return api::attributes<OperatorAttributes>(*this).op == "ScatterND" ? ScatterMode::kND : ScatterMode::kELEMENT;
}
TENSORVK_OPERATOR_INTEGER(IScatterLayer, int32_t, Axis, "axis", 0)

void IGridSampleLayer::setInterpolationMode(InterpolationMode mode) {
    const auto* named = std::ranges::find(kInterpolations, mode, &NamedMode<InterpolationMode>::mode);
    change(*this, [&](AttributeSet& a) { a.set("mode", std::string(named->name)); });
}
InterpolationMode IGridSampleLayer::getInterpolationMode() const {
    const std::string name = set_of(*this).text("mode", "linear");
    const auto* named = std::ranges::find_if(kInterpolations, [&](const auto& m) { return name == m.name; });
    return named == kInterpolations.end() ? InterpolationMode::kLINEAR : named->mode;
}
TENSORVK_OPERATOR_INTEGER(IGridSampleLayer, bool, AlignCorners, "align_corners", false)
bool IGridSampleLayer::setSampleMode(SampleMode mode) {
    return api::succeeds(network_->reporter(), [&] {
        const auto* named = std::ranges::find(kSamples, mode, &NamedMode<SampleMode>::mode);
        if (named == kSamples.end()) {
            throw InvalidArgument(text("Layer '", layer_->name, "' can sample with FILL, CLAMP and REFLECT only."));
        }
        change(*this, [&](AttributeSet& a) { a.set("padding_mode", std::string(named->name)); });
    });
}
SampleMode IGridSampleLayer::getSampleMode() const {
    const std::string name = set_of(*this).text("padding_mode", "zeros");
    const auto* named = std::ranges::find_if(kSamples, [&](const auto& m) { return name == m.name; });
    return named == kSamples.end() ? SampleMode::kFILL : named->mode;
}

TENSORVK_OPERATOR_INTEGER(IReverseSequenceLayer, int32_t, BatchAxis, "batch_axis", 1)
TENSORVK_OPERATOR_INTEGER(IReverseSequenceLayer, int32_t, SequenceAxis, "time_axis", 0)

TENSORVK_OPERATOR_REAL(INormalizationLayer, float, Epsilon, "epsilon", 1e-5)
TENSORVK_OPERATOR_INTEGER(INormalizationLayer, uint32_t, Axes, "axes", 0)
TENSORVK_OPERATOR_INTEGER(INormalizationLayer, int64_t, NbGroups, "groups", 1)
TENSORVK_OPERATOR_INTEGER(INormalizationLayer, DataType, ComputePrecision, "precision", DataType::kFLOAT)
bool INormalizationLayer::isV2() const {
    return set_of(*this).flag("v2");
}

TENSORVK_OPERATOR_INTEGER(ILRNLayer, int64_t, WindowSize, "window", 1)
TENSORVK_OPERATOR_REAL(ILRNLayer, float, Alpha, "alpha", 0.0)
TENSORVK_OPERATOR_REAL(ILRNLayer, float, Beta, "beta", 0.0)
TENSORVK_OPERATOR_REAL(ILRNLayer, float, K, "k", 0.0)

void IAssertionLayer::setMessage(const char* message) {
    api::succeeds(network_->reporter(), [&] {
        const std::string sentence = api::required(message, "message");
        change(*this, [&](AttributeSet& a) { a.set("message", sentence); });
    });
}
const char* IAssertionLayer::getMessage() const {
    return std::get<std::string>(set_of(*this).values().at("message")).c_str();
}

bool ICumulativeLayer::setOperation(CumulativeOperation op) {
    return op == CumulativeOperation::kSUM; // there is no other
}
TENSORVK_OPERATOR_INTEGER(ICumulativeLayer, bool, Exclusive, "exclusive", false)
TENSORVK_OPERATOR_INTEGER(ICumulativeLayer, bool, Reverse, "reverse", false)

TENSORVK_OPERATOR_INTEGER(IRotaryEmbeddingLayer, bool, Interleaved, "interleaved", false)
bool IRotaryEmbeddingLayer::setRotaryEmbeddingDim(int32_t dim) {
    return api::succeeds(network_->reporter(), [&] {
        if (dim < 0 || dim % 2 != 0) {
            throw InvalidArgument(text("Layer '", layer_->name, "' was told to turn ", dim, " elements; an even number or 0 (all) is possible."));
        }
        change(*this, [&](AttributeSet& a) { a.set("rotary_embedding_dim", std::int64_t{dim}); });
    });
}
int32_t IRotaryEmbeddingLayer::getRotaryEmbeddingDim() const {
    return static_cast<int32_t>(set_of(*this).integer("rotary_embedding_dim"));
}
bool IKVCacheUpdateLayer::setCacheMode(KVCacheMode mode) {
    return mode == KVCacheMode::kLINEAR; // there is no other
}

} // namespace tensorvk
