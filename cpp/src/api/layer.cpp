#include "tensorvk/layer.h"

#include <algorithm>

#include "api/network_state.hpp"
#include "support/dtype.hpp"

namespace tensorvk {

using api::succeeds;

namespace {

//! `index` checked against a list of `count` things.
std::size_t checked_index(const graph::Layer& layer, int32_t index, std::size_t count, const char* what) {
    if (index < 0 || static_cast<std::size_t>(index) >= count) {
        throw InvalidArgument(
            text("Layer '", layer.name, "' has ", count, " ", what, "s, so ", what, " ", index, " does not exist."));
    }
    return static_cast<std::size_t>(index);
}

//! Types of a strongly typed network follow the graph, so that a layer can only be asked for what it does anyway.
void refuse_wish(const api::NetworkState& network, const graph::Layer& layer, DataType type, std::size_t output) {
    const DataType has = output < layer.outputs.size() ? layer.outputs[output]->dtype : type;
    if (network.strongly_typed() && type != has) {
        throw InvalidArgument(text("Layer '", layer.name, "' of a strongly typed network computes ", dtype_name(has),
                                   ", as its inputs say, and takes no wish for ", dtype_name(type),
                                   "; insert a Cast instead."));
    }
}

template <typename List>
auto* at_or_null(const List& list, int32_t index) {
    return index >= 0 && static_cast<std::size_t>(index) < list.size() ? list[static_cast<std::size_t>(index)]
                                                                       : nullptr;
}

} // namespace

void ILayer::setName(const char* name) {
    succeeds(network_->reporter(), [&] { layer_->name = api::required(name, "name"); });
}
const char* ILayer::getName() const {
    return layer_->name.c_str();
}

void ILayer::setMetadata(const char* metadata) {
    succeeds(network_->reporter(), [&] { layer_->metadata = api::required(metadata, "metadata"); });
}
const char* ILayer::getMetadata() const {
    return layer_->metadata.c_str();
}

int32_t ILayer::getNbInputs() const {
    return static_cast<int32_t>(layer_->inputs.size());
}
ITensor* ILayer::getInput(int32_t index) const {
    return network_->wrap(at_or_null(layer_->inputs, index));
}
int32_t ILayer::getNbOutputs() const {
    return static_cast<int32_t>(layer_->outputs.size());
}
ITensor* ILayer::getOutput(int32_t index) const {
    return network_->wrap(at_or_null(layer_->outputs, index));
}

void ILayer::setInput(int32_t index, ITensor& tensor) {
    succeeds(network_->reporter(), [&] {
        constexpr int32_t kMost = 8; // no layer has more, except concatenations, which do not grow here
        if (index < 0 || index >= std::max(kMost, getNbInputs())) {
            throw InvalidArgument(text("Layer '", layer_->name, "' has no input ", index, "."));
        }
        if (&api::Access::state(tensor) != network_) {
            throw InvalidArgument(text("Layer '", layer_->name, "' cannot take tensor '", tensor.getName(),
                                       "', which belongs to another network."));
        }
        network_->set_input(*layer_, static_cast<std::size_t>(index), api::Access::node(tensor));
    });
}

void ILayer::setPrecision(DataType type) {
    succeeds(network_->reporter(), [&] {
        refuse_wish(*network_, *layer_, type, 0);
        layer_->precision = type;
    });
}
DataType ILayer::getPrecision() const {
    return layer_->precision.value_or(DataType::kFLOAT);
}
bool ILayer::precisionIsSet() const {
    return layer_->precision.has_value();
}
void ILayer::resetPrecision() {
    layer_->precision.reset();
}

void ILayer::setOutputType(int32_t index, DataType type) {
    succeeds(network_->reporter(), [&] {
        const std::size_t output = checked_index(*layer_, index, layer_->outputs.size(), "output");
        refuse_wish(*network_, *layer_, type, output);
        network_->edit(*layer_, [&] {
            layer_->output_types.resize(layer_->outputs.size());
            layer_->output_types[output] = type;
        });
    });
}

DataType ILayer::getOutputType(int32_t index) const {
    const graph::Tensor* output = at_or_null(layer_->outputs, index);
    return output == nullptr ? DataType::kFLOAT : output->dtype;
}

bool ILayer::outputTypeIsSet(int32_t index) const {
    return index >= 0 && static_cast<std::size_t>(index) < layer_->output_types.size() &&
           layer_->output_types[static_cast<std::size_t>(index)].has_value();
}

void ILayer::resetOutputType(int32_t index) {
    if (outputTypeIsSet(index)) {
        network_->edit(*layer_, [&] { layer_->output_types[static_cast<std::size_t>(index)].reset(); });
    }
}

} // namespace tensorvk
