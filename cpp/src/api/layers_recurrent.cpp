// Layers of TensorRT <= 9: fully connected and recurrent ones.
#include "api/attributes.hpp"
#include "tensorvk/operator_layers.h"

namespace tensorvk {

using graph::FullyConnectedAttributes;
using graph::RecurrentAttributes;

TENSORVK_ATTRIBUTE(IFullyConnectedLayer, int64_t, NbOutputChannels, FullyConnectedAttributes, maps)
TENSORVK_WEIGHTS_ATTRIBUTE(IFullyConnectedLayer, KernelWeights, FullyConnectedAttributes, kernel)
TENSORVK_WEIGHTS_ATTRIBUTE(IFullyConnectedLayer, BiasWeights, FullyConnectedAttributes, bias)

namespace {

const RecurrentAttributes& of(const IRNNv2Layer& layer) {
    return api::attributes<RecurrentAttributes>(layer);
}

//! The gate, checked to be one that the layer's operation has.
RecurrentAttributes::Gate gate_of(const IRNNv2Layer& layer, int32_t index, RNNGateType gate, bool is_input) {
    const RecurrentAttributes& a = of(layer);
    const std::int64_t count = a.layers * (a.direction == RNNDirection::kBIDIRECTION ? 2 : 1);
    if (index < 0 || index >= count) {
        throw InvalidArgument(text("Layer '", layer.getName(), "' has weights for ", count, " layers (times directions); there is no layer ", index, "."));
    }
    if (std::ranges::count(a.gates(), gate) == 0) {
        throw InvalidArgument(text("Layer '", layer.getName(), "' has no gate ", static_cast<int>(gate), " (RNNGateType); RELU and TANH have INPUT, "
                                   "LSTM INPUT, OUTPUT, FORGET and CELL, GRU UPDATE, RESET and HIDDEN."));
    }
    return {index, gate, is_input};
}

Weights found(const std::map<RecurrentAttributes::Gate, graph::Weights>& in, const RecurrentAttributes::Gate& gate) {
    const auto it = in.find(gate);
    return it == in.end() ? Weights{} : api::to_api(it->second);
}

} // namespace

int32_t IRNNv2Layer::getLayerCount() const {
    return static_cast<int32_t>(of(*this).layers);
}
int32_t IRNNv2Layer::getHiddenSize() const {
    return static_cast<int32_t>(of(*this).hidden);
}
int32_t IRNNv2Layer::getMaxSeqLength() const {
    return static_cast<int32_t>(of(*this).max_length);
}
int32_t IRNNv2Layer::getDataLength() const {
    const Dims dims = getInput(0)->getDimensions();
    return static_cast<int32_t>(dims.d[dims.nbDims - 1]);
}
void IRNNv2Layer::setOperation(RNNOperation op) {
    (void)api::change_or_keep<RecurrentAttributes>(*this, [&](RecurrentAttributes& a) { a.op = op; });
}
RNNOperation IRNNv2Layer::getOperation() const {
    return of(*this).op;
}
TENSORVK_ATTRIBUTE(IRNNv2Layer, RNNInputMode, InputMode, RecurrentAttributes, input_mode)
TENSORVK_ATTRIBUTE(IRNNv2Layer, RNNDirection, Direction, RecurrentAttributes, direction)

void IRNNv2Layer::setSequenceLengths(ITensor& lengths) {
    setInput(1, lengths);
}
ITensor* IRNNv2Layer::getSequenceLengths() const {
    return getInput(1);
}
void IRNNv2Layer::setHiddenState(ITensor& hidden) {
    setInput(2, hidden);
}
ITensor* IRNNv2Layer::getHiddenState() const {
    return getInput(2);
}
void IRNNv2Layer::setCellState(ITensor& cell) {
    setInput(3, cell);
}
ITensor* IRNNv2Layer::getCellState() const {
    return getInput(3);
}

void IRNNv2Layer::setWeightsForGate(int32_t layer, RNNGateType gate, bool isW, Weights weights) {
    api::succeeds(network_->reporter(), [&] {
        std::get<RecurrentAttributes>(layer_->attributes).weights[gate_of(*this, layer, gate, isW)] = api::to_graph(weights);
    });
}
Weights IRNNv2Layer::getWeightsForGate(int32_t layer, RNNGateType gate, bool isW) const {
    return found(of(*this).weights, {layer, gate, isW});
}
void IRNNv2Layer::setBiasForGate(int32_t layer, RNNGateType gate, bool isW, Weights bias) {
    api::succeeds(network_->reporter(), [&] {
        std::get<RecurrentAttributes>(layer_->attributes).bias[gate_of(*this, layer, gate, isW)] = api::to_graph(bias);
    });
}
Weights IRNNv2Layer::getBiasForGate(int32_t layer, RNNGateType gate, bool isW) const {
    return found(of(*this).bias, {layer, gate, isW});
}

} // namespace tensorvk
