#include "onnx/control.hpp"

#include <algorithm>
#include <set>

#include "onnx/import_by_rule.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Network;
using graph::Tensor;
using onnx_pb::GraphProto;

//! Names that the graph (or a graph inside it) uses and does not define, in the order of their first use.
void collect_free_names(const GraphProto& graph, std::vector<std::string>& out) {
    std::set<std::string> defined;
    for (const auto& input : graph.input()) {
        defined.insert(input.name());
    }
    for (const auto& initializer : graph.initializer()) {
        defined.insert(initializer.name());
    }
    for (const auto& node : graph.node()) {
        defined.insert(node.output().begin(), node.output().end());
    }
    const auto use = [&](const std::string& name) {
        if (!name.empty() && !defined.contains(name) && std::find(out.begin(), out.end(), name) == out.end()) {
            out.push_back(name);
        }
    };
    for (const auto& node : graph.node()) {
        std::ranges::for_each(node.input(), use);
        for (const auto& attribute : node.attribute()) {
            if (attribute.has_g()) {
                std::vector<std::string> inner;
                collect_free_names(attribute.g(), inner);
                std::ranges::for_each(inner, use);
            }
        }
    }
    for (const auto& output : graph.output()) {
        use(output.name());
    }
}

const GraphProto& graph_attribute(const ControlNode& node, const char* name) {
    const auto it = node.attributes.find(name);
    if (it == node.attributes.end() || !it->second->has_g()) {
        fail(NodeErrorCode::kINVALID_NODE, "Its attribute '", name, "' is missing or no graph.");
    }
    return it->second->g();
}

//! A tensor's shape as a body's input has it. Equal extents outside are equal inside.
BodyInput like(const Build& build, const std::string& name, const Tensor& tensor) {
    BodyInput input{name, tensor.dtype, {}, {}, nullptr};
    for (std::size_t axis = 0; axis < tensor.dims.size(); ++axis) {
        const auto extent = build.extent(&tensor, axis);
        input.dims.push_back(extent.value_or(-1));
        input.dimension_names.push_back(extent ? std::string() : text("#", tensor.dims[axis].id));
    }
    return input;
}

//! What the bodies take from outside: constants are known inside, tensors become inputs of the layer and of each body.
struct Captured {
    std::vector<BodyInput> inputs;
    std::vector<Tensor*> tensors; // of the layer
};

Captured capture(Build& build, const ControlNode& node, std::initializer_list<const GraphProto*> graphs) {
    std::vector<std::string> names;
    for (const GraphProto* graph : graphs) {
        collect_free_names(*graph, names);
    }
    Captured out;
    for (const std::string& name : names) {
        Value* value = node.outer(name);
        if (value == nullptr) {
            fail(NodeErrorCode::kINVALID_GRAPH, "A network inside it uses '", name, "', which is made by no node, initializer or graph input.");
        }
        if (value->failed) {
            fail(NodeErrorCode::kINVALID_GRAPH, "A network inside it uses '", name, "', whose node was refused.");
        }
        if (value->constant) {
            out.inputs.push_back({name, DataType::kFLOAT, {}, {}, value->constant});
            continue;
        }
        Tensor* tensor = materialize(build, *value);
        if (tensor->constant) {
            std::vector<std::int64_t> dims;
            for (std::size_t axis = 0; axis < tensor->dims.size(); ++axis) {
                dims.push_back(*build.extent(tensor, axis));
            }
            out.inputs.push_back({name, DataType::kFLOAT, {}, {}, std::make_shared<const ConstantData>(ConstantData{dims, *tensor->constant, {}})});
            continue;
        }
        out.inputs.push_back(like(build, name, *tensor));
        out.tensors.push_back(tensor);
    }
    return out;
}

std::vector<BodyInput> joined(std::vector<BodyInput> first, const std::vector<BodyInput>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

std::vector<Value> outputs_of(const graph::Layer& layer) {
    std::vector<Value> out;
    for (Tensor* tensor : layer.outputs) {
        Value value;
        value.tensor = tensor;
        out.push_back(std::move(value));
    }
    return out;
}

Tensor* required(Build& build, const ControlNode& node, std::size_t index) {
    if (index >= node.inputs.size() || node.inputs[index] == nullptr) {
        fail(NodeErrorCode::kINVALID_NODE, "Its input ", index, " is missing.");
    }
    return materialize(build, *node.inputs[index]);
}

Tensor* optional(Build& build, const ControlNode& node, std::size_t index) {
    return index < node.inputs.size() && node.inputs[index] != nullptr ? materialize(build, *node.inputs[index]) : nullptr;
}

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
        graph::OperatorAttributes assertion{"Assertion", {}};
        assertion.attributes.set("message", text("the branches of '", node.name, "' differ in their number of dimensions, so the first one is taken"));
        build.layer(LayerType::kASSERTION, {condition}, std::move(assertion), "condition");
        return node.read_inline(yes);
    }
    std::vector<Tensor*> inputs{condition};
    inputs.insert(inputs.end(), captured.tensors.begin(), captured.tensors.end());
    return outputs_of(*build.layer(LayerType::kCONTROL, std::move(inputs), std::move(attributes), ""));
}

//! States keep the extents that they enter with, except those that the body changes: those may be anything.
class StatefulBody {
public:
    StatefulBody(const ControlNode& node, const GraphProto& graph, std::vector<BodyInput> inputs, std::size_t first_state, std::size_t states,
                 std::size_t first_output)
        : node_(node), graph_(graph), inputs_(std::move(inputs)), first_state_(first_state), states_(states), first_output_(first_output) {}

    std::shared_ptr<Network> read() {
        while (true) {
            std::shared_ptr<Network> body = node_.read_body(graph_, inputs_);
            if (body->outputs().size() < first_output_ + states_) {
                fail(NodeErrorCode::kINVALID_GRAPH, "Its body has ", body->outputs().size(), " outputs; it needs at least ", first_output_ + states_, ".");
            }
            if (!generalize(*body)) {
                return body;
            }
        }
    }

private:
    //! True when a state's extent was fixed and the body gives another.
    bool generalize(const Network& body) {
        bool changed = false;
        for (std::size_t s = 0; s < states_; ++s) {
            BodyInput& in = inputs_[first_state_ + s];
            const Tensor& out = *body.outputs()[first_output_ + s];
            const Tensor& inside = *body.find(in.name);
            if (out.dims.size() != in.dims.size() || out.dtype != in.dtype) {
                fail(NodeErrorCode::kUNSUPPORTED_NODE, "Its state '", in.name, "' leaves the body with another type or number of dimensions than it entered.");
            }
            for (std::size_t axis = 0; axis < in.dims.size(); ++axis) {
                const bool own_name = in.dimension_names[axis].starts_with("state ");
                if (out.dims[axis] != inside.dims[axis] && !(in.dims[axis] == -1 && own_name)) {
                    in.dims[axis] = -1;
                    in.dimension_names[axis] = text("state ", s, ":", axis);
                    changed = true;
                }
            }
        }
        return changed;
    }

    const ControlNode& node_;
    const GraphProto& graph_;
    std::vector<BodyInput> inputs_;
    std::size_t first_state_, states_, first_output_;
};

void check_formal(const GraphProto& body, std::size_t count) {
    if (static_cast<std::size_t>(body.input_size()) != count) {
        fail(NodeErrorCode::kINVALID_GRAPH, "Its body declares ", body.input_size(), " inputs and is given ", count, ".");
    }
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
        inputs.push_back(required(build, node, 2 + s));
        formal.push_back(like(build, graph.input(static_cast<int>(2 + s)).name(), *inputs.back()));
    }
    inputs.insert(inputs.end(), captured.tensors.begin(), captured.tensors.end());
    graph::ControlAttributes attributes{"Loop", {StatefulBody(node, graph, joined(formal, captured.inputs), 2, states, 1).read()}, {}};
    attributes.attributes.set("states", static_cast<std::int64_t>(states));
    return outputs_of(*build.layer(LayerType::kCONTROL, std::move(inputs), std::move(attributes), ""));
}

std::vector<Value> read_scan(Build& build, const ControlNode& node) {
    const GraphProto& graph = graph_attribute(node, "body");
    const auto count = node.attributes.find("num_scan_inputs");
    const std::int64_t scans = count == node.attributes.end() ? 0 : std::int64_t{count->second->i()};
    if (scans < 1 || static_cast<std::size_t>(scans) > node.inputs.size()) {
        fail(NodeErrorCode::kINVALID_NODE, "Its attribute 'num_scan_inputs' is ", scans, "; it has ", node.inputs.size(), " inputs.");
    }
    const std::size_t states = node.inputs.size() - static_cast<std::size_t>(scans);
    check_formal(graph, node.inputs.size());
    const Captured captured = capture(build, node, {&graph});
    graph::ControlAttributes attributes{"Scan", {}, {}};
    attributes.attributes.set("states", static_cast<std::int64_t>(states));
    attributes.attributes.set("scans", scans);
    for (const auto& [ours, onnx] : {std::pair{"input_axes", "scan_input_axes"}, std::pair{"input_directions", "scan_input_directions"},
                                     std::pair{"output_axes", "scan_output_axes"}, std::pair{"output_directions", "scan_output_directions"}}) {
        if (const auto it = node.attributes.find(onnx); it != node.attributes.end()) {
            attributes.attributes.set(ours, attribute_value(*it->second));
        }
    }
    const std::vector<std::int64_t> axes = attributes.attributes.integers("input_axes");
    std::vector<Tensor*> inputs;
    std::vector<BodyInput> formal;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        inputs.push_back(required(build, node, i));
        BodyInput input = like(build, graph.input(static_cast<int>(i)).name(), *inputs.back());
        if (i >= states) { // one slice
            const auto rank = static_cast<std::int64_t>(input.dims.size());
            std::int64_t axis = i - states < axes.size() ? axes[i - states] : 0;
            axis += axis < 0 ? rank : 0;
            if (axis < 0 || axis >= rank) {
                fail(NodeErrorCode::kINVALID_NODE, "It scans axis ", axis, " of input ", i, ", which has ", rank, " dimensions.");
            }
            input.dims.erase(input.dims.begin() + axis);
            input.dimension_names.erase(input.dimension_names.begin() + axis);
        }
        formal.push_back(std::move(input));
    }
    attributes.bodies = {StatefulBody(node, graph, joined(formal, captured.inputs), 0, states, 0).read()};
    inputs.insert(inputs.end(), captured.tensors.begin(), captured.tensors.end());
    return outputs_of(*build.layer(LayerType::kCONTROL, std::move(inputs), std::move(attributes), ""));
}

} // namespace

bool is_control(std::string_view op) noexcept { return op == "If" || op == "Loop" || op == "Scan"; }

std::vector<Value> read_control(Build& build, const ControlNode& node) {
    return node.op == "If" ? read_if(build, node) : node.op == "Loop" ? read_loop(build, node) : read_scan(build, node);
}

} // namespace tensorvk::onnx
