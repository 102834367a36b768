#include "api/network_state.hpp"

#include <algorithm>
#include <array>

#include "api/quantization.hpp"

namespace tensorvk::api {

namespace {

using Wrap = std::unique_ptr<ILayer> (*)(NetworkState&, graph::Layer&);

template <typename Wrapper>
std::unique_ptr<ILayer> make(NetworkState& network, graph::Layer& layer) {
    return std::make_unique<Wrapper>(network, layer, layer.type);
}

struct LayerClass {
    LayerType type;
    Wrap wrap;
};

constexpr std::array kLayerClasses{
    LayerClass{LayerType::kCONVOLUTION, make<IConvolutionLayer>},
    LayerClass{LayerType::kDECONVOLUTION, make<IDeconvolutionLayer>},
    LayerClass{LayerType::kPOOLING, make<IPoolingLayer>},
    LayerClass{LayerType::kACTIVATION, make<IActivationLayer>},
    LayerClass{LayerType::kSCALE, make<IScaleLayer>},
    LayerClass{LayerType::kSOFTMAX, make<ISoftMaxLayer>},
    LayerClass{LayerType::kCONCATENATION, make<IConcatenationLayer>},
    LayerClass{LayerType::kELEMENTWISE, make<IElementWiseLayer>},
    LayerClass{LayerType::kUNARY, make<IUnaryLayer>},
    LayerClass{LayerType::kREDUCE, make<IReduceLayer>},
    LayerClass{LayerType::kTOPK, make<ITopKLayer>},
    LayerClass{LayerType::kGATHER, make<IGatherLayer>},
    LayerClass{LayerType::kSHUFFLE, make<IShuffleLayer>},
    LayerClass{LayerType::kSLICE, make<ISliceLayer>},
    LayerClass{LayerType::kRESIZE, make<IResizeLayer>},
    LayerClass{LayerType::kMATRIX_MULTIPLY, make<IMatrixMultiplyLayer>},
    LayerClass{LayerType::kCONSTANT, make<IConstantLayer>},
    LayerClass{LayerType::kCAST, make<ICastLayer>},
    LayerClass{LayerType::kIDENTITY, make<IIdentityLayer>},
    LayerClass{LayerType::kSHAPE, make<IShapeLayer>},
    LayerClass{LayerType::kSELECT, make<ISelectLayer>},
    LayerClass{LayerType::kPARAMETRIC_RELU, make<IParametricReLULayer>},
    LayerClass{LayerType::kNON_ZERO, make<INonZeroLayer>},
    LayerClass{LayerType::kONE_HOT, make<IOneHotLayer>},
    LayerClass{LayerType::kNMS, make<INMSLayer>},
    LayerClass{LayerType::kFILL, make<IFillLayer>},
    LayerClass{LayerType::kQUANTIZE, make<IQuantizeLayer>},
    LayerClass{LayerType::kDEQUANTIZE, make<IDequantizeLayer>},
    LayerClass{LayerType::kEINSUM, make<IEinsumLayer>},
    LayerClass{LayerType::kSCATTER, make<IScatterLayer>},
    LayerClass{LayerType::kGRID_SAMPLE, make<IGridSampleLayer>},
    LayerClass{LayerType::kREVERSE_SEQUENCE, make<IReverseSequenceLayer>},
    LayerClass{LayerType::kNORMALIZATION, make<INormalizationLayer>},
    LayerClass{LayerType::kLRN, make<ILRNLayer>},
    LayerClass{LayerType::kRAGGED_SOFTMAX, make<IRaggedSoftMaxLayer>},
    LayerClass{LayerType::kASSERTION, make<IAssertionLayer>},
    LayerClass{LayerType::kCUMULATIVE, make<ICumulativeLayer>},
    LayerClass{LayerType::kSQUEEZE, make<ISqueezeLayer>},
    LayerClass{LayerType::kUNSQUEEZE, make<IUnsqueezeLayer>},
    LayerClass{LayerType::kROTARY_EMBEDDING, make<IRotaryEmbeddingLayer>},
    LayerClass{LayerType::kKV_CACHE_UPDATE, make<IKVCacheUpdateLayer>},
    LayerClass{LayerType::kFULLY_CONNECTED, make<IFullyConnectedLayer>},
    LayerClass{LayerType::kRNN_V2, make<IRNNv2Layer>},
    LayerClass{LayerType::kTRIP_LIMIT, make<ITripLimitLayer>},
    LayerClass{LayerType::kRECURRENCE, make<IRecurrenceLayer>},
    LayerClass{LayerType::kITERATOR, make<IIteratorLayer>},
    LayerClass{LayerType::kLOOP_OUTPUT, make<ILoopOutputLayer>},
    LayerClass{LayerType::kCONDITION, make<IConditionLayer>},
    LayerClass{LayerType::kCONDITIONAL_INPUT, make<IIfConditionalInputLayer>},
    LayerClass{LayerType::kCONDITIONAL_OUTPUT, make<IIfConditionalOutputLayer>},
    LayerClass{LayerType::kATTENTION_INPUT, make<IAttentionInputLayer>},
    LayerClass{LayerType::kATTENTION_OUTPUT, make<IAttentionOutputLayer>},
};

} // namespace

ITensor* NetworkState::wrap(graph::Tensor* tensor) {
    if (tensor == nullptr) {
        return nullptr;
    }
    auto& slot = tensors_[tensor];
    if (slot == nullptr) {
        slot = std::make_unique<ITensor>(*this, *tensor);
    }
    return slot.get();
}

ILayer* NetworkState::wrap(graph::Layer* layer) {
    if (layer == nullptr) {
        return nullptr;
    }
    auto& slot = layers_[layer];
    if (slot == nullptr) {
        const auto entry = std::ranges::find(kLayerClasses, layer->type, &LayerClass::type);
        slot = entry != kLayerClasses.end() ? entry->wrap(*this, *layer) : make<ILayer>(*this, *layer);
    }
    return slot.get();
}

graph::Layer* NetworkState::add(LayerType type, std::vector<graph::Tensor*> inputs,
                                const std::vector<graph::Attributes>& candidates) {
    try {
        return graph_.add_layer(type, inputs, candidates.front());
    } catch (const Error&) {
        for (std::size_t i = 1; i < candidates.size(); ++i) {
            graph::Layer* layer = nullptr;
            try {
                layer = graph_.add_layer(type, inputs, candidates[i]);
            } catch (const Error&) {
                continue;
            }
            edit(*layer, [&] { layer->attributes = candidates.front(); });
            return layer;
        }
        throw;
    }
}

void NetworkState::edit(graph::Layer& layer, const std::function<void()>& change) {
    std::erase(invalid_, &layer);
    try {
        change();
        graph_.update(&layer);
    } catch (const Error& error) {
        invalid_.push_back(&layer);
        reporter_->log(Severity::kVERBOSE, text("Not valid yet: ", error.what()));
    }
}

void NetworkState::set_input(graph::Layer& layer, std::size_t index, graph::Tensor* tensor) {
    try {
        graph_.set_input(&layer, index, tensor);
    } catch (const Error&) {
        if (std::ranges::count(invalid_, &layer) == 0) {
            throw;
        }
        edit(layer, [&] {
            layer.inputs.resize(std::max(layer.inputs.size(), index + 1), nullptr);
            layer.inputs[index] = tensor;
        });
    }
}

void NetworkState::check() {
    while (!invalid_.empty()) {
        graph_.update(invalid_.front());
        invalid_.erase(invalid_.begin());
    }
}

graph::Weights to_graph(const Weights& weights) {
    if (weights.count < 0 || (weights.count > 0 && weights.values == nullptr)) {
        throw InvalidArgument(text("Weights have the count ", weights.count, " and ",
                                   weights.values == nullptr ? "no" : "some",
                                   " values; give as many values as the count says, or none with count 0."));
    }
    if (weights.type == DataType::kINT4) {
        return widened_int4(weights);
    }
    return {weights.type, static_cast<const std::byte*>(weights.values), weights.count, weights.owner};
}

Weights to_api(const graph::Weights& weights) {
    return {weights.type, weights.data, weights.count, weights.owner};
}

} // namespace tensorvk::api
