#include "onnx/control_body.hpp"

#include <algorithm>
#include <set>

#include "support/error.hpp"

namespace tensorvk::onnx {

using graph::Network;
using graph::Tensor;
using onnx_pb::GraphProto;

namespace {

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

} // namespace

const GraphProto& graph_attribute(const ControlNode& node, const char* name) {
    const auto it = node.attributes.find(name);
    if (it == node.attributes.end() || !it->second->has_g()) {
        fail(NodeErrorCode::kINVALID_NODE, "Its attribute '", name, "' is missing or no graph.");
    }
    return it->second->g();
}

BodyInput like(const Build& build, const std::string& name, const Tensor& tensor) {
    BodyInput input{name, tensor.dtype, {}, {}, nullptr};
    for (std::size_t axis = 0; axis < tensor.dims.size(); ++axis) {
        const auto extent = build.extent(&tensor, axis);
        input.dims.push_back(extent.value_or(-1));
        input.dimension_names.push_back(extent ? std::string() : text("#", tensor.dims[axis].id));
    }
    return input;
}

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
        if (!value->refusal.empty()) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, value->refusal);
        }
        if (value->failed) {
            throw RefusedInput{};
        }
        if (value->sequence) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "A network inside it uses the sequence '", name,
                 "', and sequences cannot be carried through loops; take its elements outside, with SequenceAt or ConcatFromSequence.");
        }
        if (value->constant || value->absent()) {
            out.inputs.push_back({name, DataType::kFLOAT, {}, {}, value->constant, value->absent()});
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

void check_formal(const GraphProto& body, std::size_t count) {
    if (static_cast<std::size_t>(body.input_size()) != count) {
        fail(NodeErrorCode::kINVALID_GRAPH, "Its body declares ", body.input_size(), " inputs and is given ", count, ".");
    }
}

std::shared_ptr<Network> StatefulBody::read() {
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

bool StatefulBody::generalize(const Network& body) {
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

} // namespace tensorvk::onnx
