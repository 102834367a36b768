#include "onnx/control.hpp"

#include <algorithm>

#include "onnx/control_body.hpp"
#include "support/error.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Network;
using graph::Tensor;
using onnx_pb::GraphProto;

bool same_ranks(const Network& a, const Network& b) {
    return std::ranges::equal(a.outputs(), b.outputs(), [](const Tensor* x, const Tensor* y) { return x->dims.size() == y->dims.size(); });
}

std::vector<Value> read_if(Build& build, const ControlNode& node) {
    const GraphProto& yes = graph_attribute(node, "then_branch");
    const GraphProto& no = graph_attribute(node, "else_branch");
    Tensor* condition = required(build, node, 0);
    if (const auto known = build.known(condition); known && known->size() == 1) {
        return node.read_inline((*known)[0] != 0 ? yes : no);
    }
    const Captured captured = capture(build, node, {&yes, &no});
    graph::ControlAttributes attributes{"If", {node.read_body(yes, captured.inputs), node.read_body(no, captured.inputs)}, {}};
    if (condition->values && !same_ranks(*attributes.bodies[0], *attributes.bodies[1])) {
        // What exporters make of "squeeze, if the extent is 1": the result has one rank or the other. The first branch is taken, and that its
        // condition holds is checked whenever shapes are set.
        build.require(condition, text("the branches of '", node.name, "' differ in their number of dimensions, so the first one is taken"));
        return node.read_inline(yes);
    }
    std::vector<Tensor*> inputs{condition};
    inputs.insert(inputs.end(), captured.tensors.begin(), captured.tensors.end());
    return outputs_of(*build.layer(LayerType::kCONTROL, std::move(inputs), std::move(attributes), ""));
}

//! The iteration's number and the condition are scalars, or vectors of one where the body says so.
BodyInput scalar(const onnx_pb::ValueInfoProto& declared, DataType dtype) {
    const int rank = declared.type().has_tensor_type() ? declared.type().tensor_type().shape().dim_size() : 0;
    return {declared.name(), dtype, std::vector<std::int64_t>(rank > 0 ? 1 : 0, 1), std::vector<std::string>(rank > 0 ? 1 : 0), nullptr};
}

std::vector<Value> read_loop(Build& build, const ControlNode& node) {
    const GraphProto& graph = graph_attribute(node, "body");
    const std::size_t states = node.inputs.size() > 2 ? node.inputs.size() - 2 : 0;
    check_formal(graph, 2 + states);
    const Captured captured = capture(build, node, {&graph});
    std::vector<Tensor*> inputs{optional(build, node, 0), optional(build, node, 1)};
    std::vector<BodyInput> formal{scalar(graph.input(0), DataType::kINT64), scalar(graph.input(1), DataType::kBOOL)};
    for (std::size_t s = 0; s < states; ++s) {
        if (const Value* state = node.inputs[2 + s]; state != nullptr && state->sequence) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "Its state '", state->name,
                 "' is a sequence, and sequences cannot be carried through loops; collect the elements as an output of the loop's body that is a tensor.");
        }
        inputs.push_back(required(build, node, 2 + s));
        formal.push_back(like(build, graph.input(static_cast<int>(2 + s)).name(), *inputs.back()));
    }
    inputs.insert(inputs.end(), captured.tensors.begin(), captured.tensors.end());
    graph::ControlAttributes attributes{"Loop", {StatefulBody(node, graph, joined(formal, captured.inputs), 2, states, 1).read()}, {}};
    attributes.attributes.set("states", static_cast<std::int64_t>(states));
    return outputs_of(*build.layer(LayerType::kCONTROL, std::move(inputs), std::move(attributes), ""));
}

} // namespace

bool is_control(std::string_view op) noexcept { return op == "If" || op == "Loop" || op == "Scan"; }

std::vector<Value> read_control(Build& build, const ControlNode& node) {
    return node.op == "If" ? read_if(build, node) : node.op == "Loop" ? read_loop(build, node) : read_scan(build, node);
}

} // namespace tensorvk::onnx
