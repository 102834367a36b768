// What one node becomes: layers by its importer or rule, the nodes of a function's body, or a layer that runs networks.
#include <algorithm>
#include <utility>

#include "graph/operators.hpp"
#include "onnx/graph_reader.hpp"
#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::onnx {

using graph::Network;
using onnx_pb::FunctionProto;
using onnx_pb::NodeProto;

namespace {

constexpr std::size_t kDeepestCall = 16;
constexpr std::size_t kMostSpent = 250'000;

//! Serialized TypeProto; dimensions that are not known are left open.
std::string type_of(const Build& build, const Value* value) {
    onnx_pb::TypeProto type;
    if (value == nullptr || (value->tensor == nullptr && !value->constant)) {
        return {};
    }
    auto& tensor = *type.mutable_tensor_type();
    auto& shape = *tensor.mutable_shape();
    if (value->constant) {
        tensor.set_elem_type(static_cast<std::int32_t>(onnx_number(value->constant->weights.type)));
        for (const std::int64_t dim : value->constant->dims) {
            shape.add_dim()->set_dim_value(dim);
        }
        return type.SerializeAsString();
    }
    tensor.set_elem_type(static_cast<std::int32_t>(onnx_number(value->tensor->dtype)));
    for (std::size_t axis = 0; axis < value->tensor->dims.size(); ++axis) {
        auto& dim = *shape.add_dim();
        if (const auto extent = build.extent(value->tensor, axis)) {
            dim.set_dim_value(*extent);
        }
    }
    return type.SerializeAsString();
}

//! Keeps two messages alive.
std::shared_ptr<const void> both(std::shared_ptr<const void> first, std::shared_ptr<const void> second) {
    return std::make_shared<const std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>>(std::move(first),
                                                                                                      std::move(second));
}

} // namespace

std::vector<Value> GraphReader::import_node(const Call& call) {
    function_failed_ = false;
    if (const FunctionProto* function = find_function(call.node)) {
        return expand(*function, call);
    }
    if (is_default_domain(call.node.domain()) && is_control(call.node.op_type())) {
        return import_control(call);
    }
    const std::string key = operator_key(call.node.domain(), call.node.op_type());
    if (find_operator(key) != nullptr || graph::find_operator_rule(key) != nullptr) {
        return import_operator(call, key);
    }
    const auto function = fetch_function(call.node, call.opsets, call.inputs);
    if (function == nullptr) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE, not_offered(call.node.domain(), call.node.op_type()));
    }
    const auto owner = std::exchange(model_.owner, both(model_.owner, function)); // constants live in the function's message
    std::vector<Value> results = expand(*function, call);
    model_.owner = owner;
    return results;
}

std::vector<Value> GraphReader::import_operator(const Call& call, const std::string& key) {
    const Operator* op = find_operator(key);
    if (op != nullptr && call.inputs.size() > op->max_inputs) {
        fail(NodeErrorCode::kINVALID_NODE, "It takes ", op->max_inputs, op->max_inputs == 1 ? " input, " : " inputs at most, ", call.inputs.size(),
             " were given.");
    }
    NodeContext context(model_, call.node, opset_of(call.opsets, call.node.domain()), call.inputs, call.attributes);
    import_as(context, key);
    return std::move(context.results());
}

//! If, Loop and Scan: their networks are read by readers of their own.
std::vector<Value> GraphReader::import_control(const Call& call) {
    if (depth_ >= kDeepestCall) {
        fail(NodeErrorCode::kINVALID_GRAPH, "Branches and loops lie more than ", kDeepestCall, " levels deep.");
    }
    const std::size_t errors = result_.errors.size();
    ControlNode control{call.node.op_type(), call.name, call.inputs, call.attributes, {}, static_cast<std::size_t>(call.node.output_size()),
                        opset_of(call.opsets, ""), {}, {}};
    control.outer = [&call](const std::string& wanted) {
        const auto it = call.scope.find(wanted);
        return it == call.scope.end() ? nullptr : &it->second;
    };
    control.read_body = [&](const onnx_pb::GraphProto& graph, std::span<const BodyInput> formal) {
        spend(graph.node_size());
        auto body = std::make_shared<Network>();
        body->name = text(call.name, "/", graph.name());
        GraphReader(*this, *body).read_body(graph, formal, call.opsets, call.caller, call.name + "/");
        if (result_.errors.size() > errors) {
            function_failed_ = true; // the error inside has been reported
            fail(NodeErrorCode::kINVALID_NODE, "The network that it runs cannot be imported.");
        }
        return body;
    };
    control.read_inline = [&](const onnx_pb::GraphProto& graph) { return read_inline(graph, call); };
    build_.begin_node(call.name);
    return read_control(build_, control);
}

//! A few functions that call each other twice are more nodes than any memory holds.
void GraphReader::spend(int nodes) const {
    *spent_ += static_cast<std::size_t>(nodes);
    if (*spent_ > kMostSpent) {
        fail(NodeErrorCode::kINVALID_GRAPH, "The functions, branches and loops of the model stand for more than ", kMostSpent,
             " nodes; export the model with fewer calls inside functions.");
    }
}

std::vector<Value> GraphReader::read_inline(const onnx_pb::GraphProto& graph, const Call& call) {
    spend(graph.node_size());
    const std::size_t errors = result_.errors.size();
    Scope inner = call.scope;
    read_initializers(graph, inner);
    read_nodes(graph.node(), call.opsets, inner, call.caller, call.name + "/");
    judged_->reported.insert(&call.node); // the other branch does not count
    if (result_.errors.size() > errors) {
        function_failed_ = true;
        fail(NodeErrorCode::kINVALID_NODE, "The network that it runs cannot be imported.");
    }
    std::vector<Value> results;
    for (const auto& output : graph.output()) {
        const auto it = inner.find(output.name());
        results.push_back(it == inner.end() ? Value{} : it->second);
        if (results.back().failed) {
            function_failed_ = true; // the node that was refused has been reported
            fail(NodeErrorCode::kINVALID_NODE, "It depends on a node that was refused.");
        }
    }
    return results;
}

const onnx_pb::FunctionProto* GraphReader::find_function(const NodeProto& node) const {
    const auto it = std::find_if(proto_.functions().begin(), proto_.functions().end(), [&](const auto& f) {
        return f.name() == node.op_type() && f.overload() == node.overload() &&
               (f.domain() == node.domain() || (is_default_domain(f.domain()) && is_default_domain(node.domain())));
    });
    return it == proto_.functions().end() ? nullptr : &*it;
}

//! The body that the function source knows of an operator.
std::shared_ptr<const FunctionProto> GraphReader::fetch_function(const NodeProto& node, const Opsets& opsets,
                                                                 const std::vector<Value*>& inputs) const {
    if (!functions_) {
        return nullptr;
    }
    FunctionQuery query{node.op_type(), is_default_domain(node.domain()) ? "" : node.domain(), opset_of(opsets, node.domain()),
                        node.SerializeAsString(), {}};
    for (const Value* input : inputs) {
        query.input_types.push_back(type_of(build_, input));
    }
    const std::string bytes = functions_(query);
    auto function = std::make_shared<FunctionProto>();
    if (bytes.empty()) {
        return nullptr;
    }
    if (!function->ParseFromString(bytes)) {
        fail(NodeErrorCode::kINVALID_NODE, "The function that defines the operator '", node.op_type(), "' is damaged.");
    }
    return function;
}

//! A function's body takes the place of its call.
std::vector<Value> GraphReader::expand(const FunctionProto& function, const Call& call) {
    if (calls_.size() >= kDeepestCall) {
        fail(NodeErrorCode::kINVALID_GRAPH, "Functions call each other more than ", kDeepestCall, " levels deep; '", function.name(),
             "' may be calling itself.");
    }
    spend(function.node_size());
    Scope body;
    for (int i = 0; i < function.input_size(); ++i) {
        const auto index = static_cast<std::size_t>(i);
        const bool given = index < call.inputs.size() && call.inputs[index] != nullptr;
        body[function.input(i)] = given ? *call.inputs[index] : Value{};
    }
    AttributeMap attributes = call.attributes;
    for (const auto& attribute : function.attribute_proto()) {
        attributes.emplace(attribute.name(), &attribute);
    }
    const std::size_t errors = result_.errors.size();
    calls_.push_back(function.name());
    read_nodes(function.node(), opsets_of(function.opset_import()), body, attributes, call.name + "/");
    calls_.pop_back();
    function_failed_ = result_.errors.size() > errors;
    if (function_failed_) {
        fail(NodeErrorCode::kINVALID_NODE, "The function '", function.name(), "' cannot be imported.");
    }
    std::vector<Value> results;
    for (const std::string& output : function.output()) {
        const auto it = body.find(output);
        results.push_back(it == body.end() ? Value{} : it->second);
    }
    return results;
}

} // namespace tensorvk::onnx
