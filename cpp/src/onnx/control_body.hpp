// What If, Loop and Scan have in common: reading the networks that they run.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "onnx/control.hpp"

namespace tensorvk::onnx {

//! The attribute of that name, which has to be a graph.
[[nodiscard]] const onnx_pb::GraphProto& graph_attribute(const ControlNode& node, const char* name);

//! A tensor's shape as a body's input has it. Equal extents outside are equal inside.
[[nodiscard]] BodyInput like(const Build& build, const std::string& name, const graph::Tensor& tensor);

//! What the bodies take from outside: constants are known inside, tensors become inputs of the layer and of each body.
struct Captured {
    std::vector<BodyInput> inputs;
    std::vector<graph::Tensor*> tensors; // of the layer
};
[[nodiscard]] Captured capture(Build& build, const ControlNode& node, std::initializer_list<const onnx_pb::GraphProto*> graphs);

[[nodiscard]] std::vector<BodyInput> joined(std::vector<BodyInput> first, const std::vector<BodyInput>& second);
[[nodiscard]] std::vector<Value> outputs_of(const graph::Layer& layer);
[[nodiscard]] graph::Tensor* required(Build& build, const ControlNode& node, std::size_t index);
//! Null when absent.
[[nodiscard]] graph::Tensor* optional(Build& build, const ControlNode& node, std::size_t index);
//! Fails when the body does not declare that many inputs.
void check_formal(const onnx_pb::GraphProto& body, std::size_t count);

//! States keep the extents that they enter with, except those that the body changes: those may be anything.
class StatefulBody {
public:
    StatefulBody(const ControlNode& node, const onnx_pb::GraphProto& graph, std::vector<BodyInput> inputs, std::size_t first_state, std::size_t states,
                 std::size_t first_output)
        : node_(node), graph_(graph), inputs_(std::move(inputs)), first_state_(first_state), states_(states), first_output_(first_output) {}

    [[nodiscard]] std::shared_ptr<graph::Network> read();

private:
    //! True when a state's extent was fixed and the body gives another.
    bool generalize(const graph::Network& body);

    const ControlNode& node_;
    const onnx_pb::GraphProto& graph_;
    std::vector<BodyInput> inputs_;
    std::size_t first_state_, states_, first_output_;
};

} // namespace tensorvk::onnx
