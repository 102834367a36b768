// Adding the layers that are ONNX operators or made of them.
#include "api/add_layer.hpp"
#include "api/convert.hpp"
#include "api/quantization.hpp"
#include "support/dtype.hpp"
#include "tensorvk/network.h"

namespace tensorvk {

using api::add;
using api::guarded;
using api::only;
using graph::OperatorAttributes;

namespace {

//! An operator of that name with those attributes.
OperatorAttributes operation(const char* op, std::initializer_list<AttributeSet::Map::value_type> values = {}) {
    OperatorAttributes attributes{op, {}};
    for (const auto& [name, value] : values) {
        attributes.attributes.set(name, value);
    }
    return attributes;
}

template <typename Enum>
AttributeValue number(Enum value) {
    return static_cast<std::int64_t>(value);
}

//! For layers that are not offered: null, after logging why.
template <typename Layer>
Layer* refused(api::NetworkState& network, const char* sentence) {
    return guarded(network.reporter(), static_cast<Layer*>(nullptr), [&]() -> Layer* { throw Unsupported(sentence); });
}

} // namespace

INonZeroLayer* INetworkDefinition::addNonZero(ITensor& input, DataType indicesType) {
    return add<INonZeroLayer>(*state_, LayerType::kNON_ZERO, {&input}, only(operation("NonZero", {{"indices_type", number(indicesType)}})));
}

IOneHotLayer* INetworkDefinition::addOneHot(ITensor& indices, ITensor& values, ITensor& depth, int32_t axis) {
    return add<IOneHotLayer>(*state_, LayerType::kONE_HOT, {&indices, &values, &depth}, only(operation("OneHot", {{"axis", number(axis)}})));
}

INMSLayer* INetworkDefinition::addNMS(ITensor& boxes, ITensor& scores, ITensor& maxOutputBoxesPerClass, DataType indicesType) {
    return add<INMSLayer>(*state_, LayerType::kNMS, {&boxes, &scores, &maxOutputBoxesPerClass},
                          only(operation("NMS", {{"indices_type", number(indicesType)}})));
}

IFillLayer* INetworkDefinition::addFill(const Dims& dimensions, FillOperation op, DataType outputType) {
    return add<IFillLayer>(*state_, LayerType::kFILL, {}, [&] {
        return std::vector<graph::Attributes>{operation("Fill", {{"shape", api::to_vector(dimensions)},
                                                                 {"operation", number(op)},
                                                                 {"type", number(outputType)},
                                                                 {"alpha", 0.0},
                                                                 {"beta", 1.0}})};
    });
}

IQuantizeLayer* INetworkDefinition::addQuantize(ITensor& input, ITensor& scale, DataType outputType) {
    return add<IQuantizeLayer>(*state_, LayerType::kQUANTIZE, {&input, &scale}, [&] {
        return std::vector<graph::Attributes>{api::quantization("QuantizeLinear", outputType, input, scale)};
    });
}

IDequantizeLayer* INetworkDefinition::addDequantize(ITensor& input, ITensor& scale) {
    return addDequantize(input, scale, scale.getType());
}
IDequantizeLayer* INetworkDefinition::addDequantize(ITensor& input, ITensor& scale, DataType outputType) {
    return add<IDequantizeLayer>(*state_, LayerType::kDEQUANTIZE, {&input, &scale}, [&] {
        return std::vector<graph::Attributes>{api::quantization("DequantizeLinear", outputType, input, scale)};
    });
}

namespace {
constexpr const char* kNoDynamicQuantization =
    "DynamicQuantize layers are not offered: they give fp4 or fp8 with scales of their own, which are no types of tensors here; use add_quantize "
    "with a scale that layers compute.";
}

IDynamicQuantizeLayer* INetworkDefinition::addDynamicQuantize(ITensor&, int32_t, int32_t, DataType, DataType) {
    return refused<IDynamicQuantizeLayer>(*state_, kNoDynamicQuantization);
}
IDynamicQuantizeLayer* INetworkDefinition::addDynamicQuantizeV2(ITensor&, const Dims&, DataType, DataType) {
    return refused<IDynamicQuantizeLayer>(*state_, kNoDynamicQuantization);
}

IEinsumLayer* INetworkDefinition::addEinsum(ITensor* const* inputs, int32_t count, const char* equation) {
    const std::vector<const ITensor*> list(inputs, inputs + std::max(count, 0));
    return add<IEinsumLayer>(*state_, LayerType::kEINSUM, list, [&] {
        return std::vector<graph::Attributes>{operation("Einsum", {{"equation", api::required(equation, "equation")}, {"product", number(1)}})};
    });
}

IScatterLayer* INetworkDefinition::addScatter(ITensor& data, ITensor& indices, ITensor& updates, ScatterMode mode) {
    return add<IScatterLayer>(*state_, LayerType::kSCATTER, {&data, &indices, &updates},
                              only(operation(mode == ScatterMode::kND ? "ScatterND" : "ScatterElements")));
}

IGridSampleLayer* INetworkDefinition::addGridSample(ITensor& input, ITensor& grid) {
    return add<IGridSampleLayer>(*state_, LayerType::kGRID_SAMPLE, {&input, &grid}, only(operation("GridSample", {{"mode", std::string("linear")}})));
}

IReverseSequenceLayer* INetworkDefinition::addReverseSequence(ITensor& input, ITensor& sequenceLens) {
    return add<IReverseSequenceLayer>(*state_, LayerType::kREVERSE_SEQUENCE, {&input, &sequenceLens}, [] {
        const auto with_axes = [](std::int64_t batch, std::int64_t time) {
            return operation("ReverseSequence", {{"batch_axis", batch}, {"time_axis", time}});
        };
        return std::vector<graph::Attributes>{with_axes(1, 0), with_axes(0, 1)};
    });
}

namespace {

//! The number of groups is a setter's business; until it comes, a scale that has one number per group tells.
std::vector<graph::Attributes> normalization_candidates(const ITensor& scale, uint32_t axes, bool v2) {
    const auto with_groups = [&](std::int64_t groups) {
        return operation("Normalization", {{"axes", number(axes)}, {"v2", number(v2)}, {"groups", groups}});
    };
    const Dims dims = scale.getDimensions();
    return {with_groups(1), with_groups(dims.nbDims > 1 ? dims.d[1] : 1)};
}

} // namespace

INormalizationLayer* INetworkDefinition::addNormalization(ITensor& input, ITensor& scale, ITensor& bias, uint32_t axesMask) {
    return add<INormalizationLayer>(*state_, LayerType::kNORMALIZATION, {&input, &scale, &bias},
                                    [&] { return normalization_candidates(scale, axesMask, false); });
}
INormalizationLayer* INetworkDefinition::addNormalizationV2(ITensor& input, ITensor& scale, ITensor& bias, uint32_t axesMask) {
    return add<INormalizationLayer>(*state_, LayerType::kNORMALIZATION, {&input, &scale, &bias},
                                    [&] { return normalization_candidates(scale, axesMask, true); });
}

ILRNLayer* INetworkDefinition::addLRN(ITensor& input, int64_t window, float alpha, float beta, float k) {
    return add<ILRNLayer>(*state_, LayerType::kLRN, {&input},
                          only(operation("LRN", {{"window", number(window)},
                                                 {"alpha", static_cast<double>(alpha)},
                                                 {"beta", static_cast<double>(beta)},
                                                 {"k", static_cast<double>(k)}})));
}

IRaggedSoftMaxLayer* INetworkDefinition::addRaggedSoftMax(ITensor& input, ITensor& bounds) {
    return add<IRaggedSoftMaxLayer>(*state_, LayerType::kRAGGED_SOFTMAX, {&input, &bounds}, only(operation("RaggedSoftMax")));
}

IAssertionLayer* INetworkDefinition::addAssertion(ITensor& condition, const char* message) {
    return add<IAssertionLayer>(*state_, LayerType::kASSERTION, {&condition}, [&] {
        return std::vector<graph::Attributes>{operation("Assertion", {{"message", api::required(message, "message")}, {"deferred", number(1)}})};
    });
}

ICumulativeLayer* INetworkDefinition::addCumulative(ITensor& input, ITensor& axis, CumulativeOperation, bool exclusive, bool reverse) {
    return add<ICumulativeLayer>(*state_, LayerType::kCUMULATIVE, {&input, &axis},
                                 only(operation("CumSum", {{"exclusive", number(exclusive)}, {"reverse", number(reverse)}})));
}

ISqueezeLayer* INetworkDefinition::addSqueeze(ITensor& input, ITensor& axes) {
    return add<ISqueezeLayer>(*state_, LayerType::kSQUEEZE, {&input, &axes}, only(operation("Squeeze")));
}
IUnsqueezeLayer* INetworkDefinition::addUnsqueeze(ITensor& input, ITensor& axes) {
    return add<IUnsqueezeLayer>(*state_, LayerType::kUNSQUEEZE, {&input, &axes}, only(operation("Unsqueeze")));
}

IRotaryEmbeddingLayer* INetworkDefinition::addRotaryEmbedding(ITensor& input, ITensor& cosCache, ITensor& sinCache, bool interleaved,
                                                              int32_t rotaryEmbeddingDim) {
    return add<IRotaryEmbeddingLayer>(
        *state_, LayerType::kROTARY_EMBEDDING, {&input, &cosCache, &sinCache},
        only(operation("RotaryEmbedding", {{"interleaved", number(interleaved)}, {"rotary_embedding_dim", number(rotaryEmbeddingDim)}})));
}

IKVCacheUpdateLayer* INetworkDefinition::addKVCacheUpdate(ITensor& cache, ITensor& update, ITensor& writeIndices, KVCacheMode) {
    return add<IKVCacheUpdateLayer>(*state_, LayerType::kKV_CACHE_UPDATE, {&cache, &update, &writeIndices},
                                    only(operation("TensorScatter", {{"axis", number(-2)}, {"mode", std::string("linear")}})));
}

IMoELayer* INetworkDefinition::addMoE(ITensor&, ITensor&, ITensor&) {
    return refused<IMoELayer>(*state_, "MoE layers are not offered; write the experts as matrix products and choose among them with gather and scatter.");
}
IDistCollectiveLayer* INetworkDefinition::addDistCollective(ITensor&, CollectiveOperation, ReduceOperation, int64_t, const int64_t*, int64_t) {
    return refused<IDistCollectiveLayer>(*state_, "DistCollective layers are not offered: an engine runs on one device.");
}

IFullyConnectedLayer* INetworkDefinition::addFullyConnected(ITensor& input, int64_t outputs, Weights kernel, Weights bias) {
    return add<IFullyConnectedLayer>(*state_, LayerType::kFULLY_CONNECTED, {&input}, [&] {
        return std::vector<graph::Attributes>{graph::FullyConnectedAttributes{outputs, api::to_graph(kernel), api::to_graph(bias)}};
    });
}

IRNNv2Layer* INetworkDefinition::addRNNv2(ITensor& input, int32_t layerCount, int32_t hiddenSize, int32_t maxSeqLen, RNNOperation op) {
    graph::RecurrentAttributes attributes;
    attributes.op = op;
    attributes.layers = layerCount;
    attributes.hidden = hiddenSize;
    attributes.max_length = maxSeqLen;
    return add<IRNNv2Layer>(*state_, LayerType::kRNN_V2, {&input}, only(std::move(attributes)));
}

} // namespace tensorvk
