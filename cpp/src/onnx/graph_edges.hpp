// Inputs and outputs of a model's graph: what is declared, and what the network makes of it.
#pragma once

#include "onnx/scope.hpp"

namespace tensorvk::onnx {

//! The network input of a declaration.
[[nodiscard]] graph::Tensor* add_input(const ModelContext& model, const onnx_pb::ValueInfoProto& input);

//! A name that a model lists twice is one output; what branches and loops give is told apart by its position.
enum class Outputs { kBY_NAME, kBY_POSITION };
//! Marks what the graph's output names stand for in `scope`.
void mark_outputs(const ModelContext& model, const onnx_pb::GraphProto& graph, Scope& scope, Outputs outputs);

} // namespace tensorvk::onnx
