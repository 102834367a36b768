#include "onnx/graph_reader.hpp"

#include <algorithm>
#include <utility>

#include "onnx/graph_edges.hpp"
#include "onnx/node_order.hpp"
#include "support/dtype.hpp"
#include "support/shape_text.hpp"

namespace tensorvk::onnx {

using graph::Network;
using onnx_pb::NodeProto;

namespace {

constexpr std::int64_t kOldestOpset = 1;
constexpr std::int64_t kNewestOpset = 28;

void mark_failed(const NodeProto& node, Scope& scope) {
    for (const std::string& output : node.output()) {
        scope[output] = Value{output, nullptr, nullptr, std::nullopt, true, {}};
    }
}

std::vector<Value*> inputs_of(const NodeProto& node, Scope& scope) {
    std::vector<Value*> inputs;
    for (const std::string& name : node.input()) {
        if (name.empty()) {
            inputs.push_back(nullptr);
            continue;
        }
        const auto it = scope.find(name);
        if (it == scope.end()) {
            fail(NodeErrorCode::kINVALID_GRAPH, "Its input '", name,
                 "' is made by no node, initializer or graph input, or only by nodes that depend on it.");
        }
        inputs.push_back(it->second.absent() ? nullptr : &it->second);
    }
    while (!inputs.empty() && inputs.back() == nullptr) {
        inputs.pop_back();
    }
    return inputs;
}

AttributeMap attributes_of(const NodeProto& node, const AttributeMap& caller) {
    AttributeMap out;
    for (const auto& attribute : node.attribute()) {
        if (attribute.ref_attr_name().empty()) {
            out[attribute.name()] = &attribute;
        } else if (const auto it = caller.find(attribute.ref_attr_name()); it != caller.end()) {
            out[attribute.name()] = it->second;
        }
    }
    return out;
}

//! "float32 [1, 3], int64 [2], absent".
std::string describe_inputs(const Network& network, const NodeProto& node, const Scope& scope) {
    std::string out;
    for (const std::string& name : node.input()) {
        const auto it = scope.find(name);
        out += out.empty() ? "" : ", ";
        if (name.empty() || it == scope.end()) {
            out += name.empty() ? "absent" : "unknown";
        } else if (const Value& value = it->second; value.tensor != nullptr) {
            out += text(dtype_name(value.tensor->dtype), " ", network.describe_dims(*value.tensor));
        } else if (value.constant) {
            out += text(dtype_name(value.constant->weights.type), " ", shape_text(value.constant->dims));
        } else {
            out += value.sequence ? "sequence" : value.failed ? "refused" : "absent";
        }
    }
    return out;
}

} // namespace

GraphReader::GraphReader(const std::shared_ptr<const onnx_pb::ModelProto>& model, const std::filesystem::path& file, Network& network,
                         ImportResult& result, const FunctionSource& functions)
    : proto_(*model),
      network_(network),
      result_(result),
      functions_(functions),
      build_(network),
      model_{build_, model, file, result.warnings} {}

GraphReader::GraphReader(const GraphReader& parent, Network& body)
    : proto_(parent.proto_),
      network_(body),
      result_(parent.result_),
      functions_(parent.functions_),
      build_(body),
      model_{build_, parent.model_.owner, parent.model_.file, parent.model_.warnings},
      calls_(parent.calls_),
      node_index_(parent.node_index_),
      depth_(parent.depth_ + 1),
      spent_(parent.spent_),
      judged_(parent.judged_) {}

void GraphReader::read() {
    const onnx_pb::GraphProto& graph = proto_.graph();
    if (!graph.name().empty()) {
        network_.name = graph.name();
    }
    const Opsets opsets = opsets_of(proto_.opset_import());
    check_opset(opsets);
    if (graph.sparse_initializer_size() > 0) {
        fail(NodeErrorCode::kUNSUPPORTED_GRAPH,
             "The model has sparse initializers, which are not offered; store them as dense tensors.");
    }
    read_initializers(graph, scope_);
    read_inputs(graph);
    result_.node_count = static_cast<std::size_t>(graph.node_size());
    read_nodes(graph.node(), opsets, scope_, {}, "");
    if (result_.ok()) {
        check_all_read();
        mark_outputs(model_, graph, scope_, Outputs::kBY_NAME);
    }
}

void GraphReader::check_opset(const Opsets& opsets) const {
    const auto it = opsets.find("");
    const std::int64_t opset = it == opsets.end() ? 1 : it->second;
    if (it != opsets.end() && opset < kOldestOpset) {
        fail(NodeErrorCode::kUNSUPPORTED_GRAPH, "The model uses operator set ", opset, "; ", kOldestOpset, " to ",
             kNewestOpset, " are offered, so convert it with onnx.version_converter.");
    }
    if (opset > kNewestOpset) {
        model_.warnings.push_back(
            text("The model uses operator set ", opset, ", newer than the newest known one, ", kNewestOpset, "."));
    }
}

void GraphReader::read_initializers(const onnx_pb::GraphProto& graph, Scope& scope) const {
    for (const auto& tensor : graph.initializer()) {
        Value& value = scope[tensor.name()];
        value = Value{};
        value.name = tensor.name();
        auto data = std::make_shared<ConstantData>();
        try {
            *data = read_tensor(tensor, model_.owner, model_.file);
        } catch (const NodeFailure& failure) { // of its type: who reads it is told
            value.failed = true;
            value.refusal = failure.what();
            continue;
        }
        if (!data->warning.empty()) {
            model_.warnings.push_back(data->warning);
        }
        value.constant = std::move(data);
    }
}

void GraphReader::read_inputs(const onnx_pb::GraphProto& graph) {
    for (const auto& input : graph.input()) {
        if (scope_.contains(input.name())) {
            continue;
        } // a default value, which old formats list among the inputs: a constant
        Value value;
        value.name = input.name();
        try {
            value.tensor = add_input(model_, input);
        } catch (const NodeFailure& failure) {
            value.failed = true;
            value.refusal = failure.what();
        }
        scope_.emplace(input.name(), std::move(value));
    }
}

//! What cannot be read is told by the nodes that want it; here if there are none.
void GraphReader::check_all_read() const {
    for (const auto& [name, value] : scope_) {
        if (!value.refusal.empty()) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, value.refusal);
        }
    }
}

void GraphReader::read_nodes(const Nodes& nodes, const Opsets& opsets, Scope& scope, const AttributeMap& caller,
                const std::string& prefix) {
    for (const int index : reading_order(nodes)) {
        if (calls_.empty() && depth_ == 0) {
            node_index_ = index;
        }
        read_node(nodes[index], opsets, scope, caller, prefix, index);
    }
}

void GraphReader::read_body(const onnx_pb::GraphProto& graph, std::span<const BodyInput> inputs, const Opsets& opsets, const AttributeMap& caller,
               const std::string& prefix) {
    for (const BodyInput& input : inputs) {
        Value value;
        value.name = input.name;
        if (input.constant) {
            value.constant = input.constant;
        } else if (!input.absent) {
            value.tensor = network_.add_input(input.name, input.dtype, input.dims, input.dimension_names);
        }
        scope_.emplace(input.name, std::move(value));
    }
    read_initializers(graph, scope_);
    const std::size_t errors = result_.errors.size();
    read_nodes(graph.node(), opsets, scope_, caller, prefix);
    if (result_.errors.size() == errors) {
        mark_outputs(model_, graph, scope_, Outputs::kBY_POSITION);
    }
}

void GraphReader::read_node(const NodeProto& node, const Opsets& opsets, Scope& scope, const AttributeMap& caller,
               const std::string& prefix, int index) {
    const std::string name = prefix + (node.name().empty() ? text(node.op_type(), "_", index) : node.name());
    std::vector<Value> results;
    try {
        std::vector<Value*> inputs = inputs_of(node, scope);
        if (std::any_of(inputs.begin(), inputs.end(), [](const Value* v) { return v != nullptr && v->failed; })) {
            throw RefusedInput{};
        }
        build_.begin_node(name);
        results = import_node({node, opsets, std::move(inputs), attributes_of(node, caller), caller, scope, name});
        for (int i = 0; i < node.output_size(); ++i) {
            define(node, i, results, scope, prefix);
        }
        return;
    } catch (const RefusedInput&) {
        function_failed_ = false;
    } catch (...) {
        const Failure failure = current_failure(NodeErrorCode::kINVALID_NODE);
        report(node, opset_of(opsets, node.domain()), failure.code, failure.reason, scope);
    }
    judge(node, opsets, scope);
    mark_failed(node, scope);
}

void GraphReader::report(const NodeProto& node, std::int64_t opset, NodeErrorCode code, std::string reason, const Scope& scope) {
    if (function_failed_) {
        return;
    } // the error inside the function has been reported
    judged_->reported.insert(&node);
    NodeError error;
    error.node = node_index_;
    error.node_name = node.name();
    error.op_type = node.op_type();
    error.domain = is_default_domain(node.domain()) ? "" : node.domain();
    error.opset = opset;
    error.code = code;
    error.reason = std::move(reason);
    error.inputs = describe_inputs(network_, node, scope);
    error.function_stack = calls_;
    result_.errors.push_back(std::move(error));
}

void GraphReader::define(const NodeProto& node, int index, std::vector<Value>& results, Scope& scope,
            const std::string& prefix) {
    const std::string& name = node.output(index);
    if (name.empty()) {
        return;
    }
    const auto i = static_cast<std::size_t>(index);
    if (i >= results.size() || results[i].absent()) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE, "Output ", index, " ('", name, "') of ", node.op_type(),
             " is used, but not offered.");
    }
    Value& value = results[i];
    value.name = prefix + name;
    if (value.tensor != nullptr && value.tensor->producer != nullptr && named_.insert(value.tensor).second &&
        network_.find(value.name) == nullptr) {
        network_.rename(value.tensor, value.name);
    }
    scope[name] = value;
}

} // namespace tensorvk::onnx
