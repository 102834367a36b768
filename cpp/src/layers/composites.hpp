// Layers that are made of other layers: one function for each, found by layer type.
#pragma once

#include <vector>

#include "onnx/build.hpp"

namespace tensorvk::layers {

//! A layer of the API's network and, in the new network, its inputs and the helper that adds layers under its name.
struct Composite {
    const graph::Layer& layer;
    onnx::Build& build;
    std::vector<graph::Tensor*> inputs;

    [[nodiscard]] graph::Tensor* input(std::size_t index) const { return index < inputs.size() ? inputs[index] : nullptr; }
    [[nodiscard]] const AttributeSet& attributes() const { return std::get<graph::OperatorAttributes>(layer.attributes).attributes; }
};

//! A data type that an attribute names by its number.
[[nodiscard]] inline DataType type_of(const Composite& c, const char* name, DataType otherwise) {
    return static_cast<DataType>(c.attributes().integer(name, static_cast<std::int64_t>(otherwise)));
}

//! An ONNX operator.
inline graph::Tensor* operation(onnx::Build& b, const char* name, std::vector<graph::Tensor*> inputs, AttributeSet attributes, std::string_view role) {
    return b.add(LayerType::kOPERATOR, std::move(inputs), graph::OperatorAttributes{name, std::move(attributes)}, role);
}

//! Gives the layer's outputs.
using Expansion = std::vector<graph::Tensor*> (*)(Composite& composite);

//! Null for a layer that the compiler knows as it is.
[[nodiscard]] Expansion find_expansion(const graph::Layer& layer);

// selection.cpp
[[nodiscard]] std::vector<graph::Tensor*> expand_non_zero(Composite& c);
[[nodiscard]] std::vector<graph::Tensor*> expand_one_hot(Composite& c);
[[nodiscard]] std::vector<graph::Tensor*> expand_nms(Composite& c);
[[nodiscard]] std::vector<graph::Tensor*> expand_gather(Composite& c);
// fill.cpp
[[nodiscard]] std::vector<graph::Tensor*> expand_fill(Composite& c);
// normalization.cpp
[[nodiscard]] std::vector<graph::Tensor*> expand_normalization(Composite& c);
[[nodiscard]] std::vector<graph::Tensor*> expand_lrn(Composite& c);
[[nodiscard]] std::vector<graph::Tensor*> expand_ragged_softmax(Composite& c);
// recurrent.cpp
[[nodiscard]] std::vector<graph::Tensor*> expand_rnn(Composite& c);

} // namespace tensorvk::layers
