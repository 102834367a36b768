#include "onnx/graph_reader.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "onnx/node_order.hpp"
#include "graph/operators.hpp"
#include "onnx/control.hpp"
#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Network;
using graph::Tensor;
using onnx_pb::NodeProto;

constexpr std::int64_t kOldestOpset = 1;
constexpr std::int64_t kNewestOpset = 28;
constexpr std::size_t kDeepestCall = 16;

bool is_default_domain(const std::string& domain) {
    return domain.empty() || domain == "ai.onnx";
}

//! Names of one graph or function body.
using Scope = std::unordered_map<std::string, Value>;
using Opsets = std::unordered_map<std::string, std::int64_t>;

template <typename Imports>
Opsets opsets_of(const Imports& imports) {
    Opsets out;
    for (const auto& entry : imports) {
        out[is_default_domain(entry.domain()) ? "" : entry.domain()] = entry.version();
    }
    return out;
}

class GraphReader {
  public:
    GraphReader(const std::shared_ptr<const onnx_pb::ModelProto>& model, const std::filesystem::path& file,
                Network& network, ImportResult& result)
        : proto_(*model),
          network_(network),
          result_(result),
          build_(network),
          model_{build_, model, file, result.warnings} {}

    //! A network that one of `parent`'s nodes runs.
    GraphReader(const GraphReader& parent, Network& body)
        : proto_(parent.proto_),
          network_(body),
          result_(parent.result_),
          build_(body),
          model_{build_, parent.model_.owner, parent.model_.file, parent.model_.warnings},
          calls_(parent.calls_),
          node_index_(parent.node_index_),
          depth_(parent.depth_ + 1) {}

    void read() {
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
            mark_outputs(graph);
        }
    }

  private:
    void check_opset(const Opsets& opsets) const {
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

    void read_initializers(const onnx_pb::GraphProto& graph, Scope& scope) const {
        for (const auto& tensor : graph.initializer()) {
            Value& value = scope[tensor.name()];
            value.name = tensor.name();
            auto data = std::make_shared<ConstantData>(read_tensor(tensor, model_.owner, model_.file));
            if (!data->warning.empty()) {
                model_.warnings.push_back(data->warning);
            }
            value.constant = std::move(data);
        }
    }

    void read_inputs(const onnx_pb::GraphProto& graph) {
        for (const auto& input : graph.input()) {
            if (scope_.contains(input.name())) {
                continue;
            } // a default value, which old formats list among the inputs: a constant
            Value value;
            value.name = input.name();
            value.tensor = add_input(input);
            scope_.emplace(input.name(), std::move(value));
        }
    }

    Tensor* add_input(const onnx_pb::ValueInfoProto& input) {
        if (!input.type().has_tensor_type() || !input.type().tensor_type().has_shape()) {
            fail(NodeErrorCode::kUNSUPPORTED_GRAPH, "Input '", input.name(),
                 "' is no tensor of known rank; inputs must be declared as tensors with a shape.");
        }
        const std::int32_t onnx_type = input.type().tensor_type().elem_type();
        const auto type = data_type(onnx_type);
        if (!type) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "Input '", input.name(), "' has elements of type ",
                 type_name(onnx_type),
                 "; float, float16, bfloat16, double, int8, uint8, int32, int64 and bool are offered.");
        }
        if (type_name(onnx_type) == "double") {
            model_.warnings.push_back(
                text("Input '", input.name(), "' is float64 in the model and float32 in the network."));
        }
        std::vector<std::int64_t> dims;
        std::vector<std::string> names;
        for (const auto& dim : input.type().tensor_type().shape().dim()) {
            dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1); // some exporters write -1 for a dynamic one
            names.push_back(dims.back() == -1 ? shared_name(dim.dim_param()) : std::string());
        }
        return network_.add_input(input.name(), *type, dims, std::move(names));
    }

    //! Exporters write "?" or "None" for what they do not know: such dimensions do not depend on each other.
    static std::string shared_name(const std::string& parameter) {
        const bool says_nothing = parameter.empty() || parameter == "None" || parameter == "none" ||
                                  (std::isalpha(static_cast<unsigned char>(parameter[0])) == 0 && parameter[0] != '_');
        return says_nothing ? std::string() : parameter;
    }

    template <typename Nodes>
    void read_nodes(const Nodes& nodes, const Opsets& opsets, Scope& scope, const AttributeMap& caller,
                    const std::string& prefix) {
        for (const int index : reading_order(nodes)) {
            if (calls_.empty() && depth_ == 0) {
                node_index_ = index;
            }
            read_node(nodes[index], opsets, scope, caller, prefix, index);
        }
    }

    void read_node(const NodeProto& node, const Opsets& opsets, Scope& scope, const AttributeMap& caller,
                   const std::string& prefix, int index) {
        const auto opset = opsets.find(is_default_domain(node.domain()) ? "" : node.domain());
        const std::int64_t version = opset == opsets.end() ? 1 : opset->second;
        const std::string name = prefix + (node.name().empty() ? text(node.op_type(), "_", index) : node.name());
        std::vector<Value> results;
        try {
            std::vector<Value*> inputs = inputs_of(node, scope);
            if (std::any_of(inputs.begin(), inputs.end(), [](const Value* v) { return v != nullptr && v->failed; })) {
                mark_failed(node, scope);
                return;
            }
            build_.begin_node(name);
            results = import_node(node, opsets, std::move(inputs), attributes_of(node, caller), scope, name);
            for (int i = 0; i < node.output_size(); ++i) {
                define(node, i, results, scope, prefix);
            }
            return;
        } catch (...) {
            const Failure failure = current_failure(NodeErrorCode::kINVALID_NODE);
            report(node, version, failure.code, failure.reason);
        }
        mark_failed(node, scope);
    }

    void report(const NodeProto& node, std::int64_t opset, NodeErrorCode code, std::string reason) {
        if (function_failed_) {
            return;
        } // the error inside the function has been reported
        NodeError error;
        error.node = node_index_;
        error.node_name = node.name();
        error.op_type = node.op_type();
        error.domain = is_default_domain(node.domain()) ? "" : node.domain();
        error.opset = opset;
        error.code = code;
        error.reason = std::move(reason);
        error.function_stack = calls_;
        result_.errors.push_back(std::move(error));
    }

    static void mark_failed(const NodeProto& node, Scope& scope) {
        for (const std::string& output : node.output()) {
            scope[output] = Value{output, nullptr, nullptr, true};
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
            inputs.push_back(&it->second);
        }
        while (!inputs.empty() && inputs.back() == nullptr) {
            inputs.pop_back();
        }
        return inputs;
    }

    static AttributeMap attributes_of(const NodeProto& node, const AttributeMap& caller) {
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

    std::vector<Value> import_node(const NodeProto& node, const Opsets& opsets, std::vector<Value*> inputs,
                                   AttributeMap attributes, Scope& scope, const std::string& name) {
        function_failed_ = false;
        if (const auto* function = find_function(node)) {
            return call(*function, inputs, attributes, name);
        }
        const bool is_default = is_default_domain(node.domain());
        if (is_default && is_control(node.op_type())) {
            return import_control(node, inputs, attributes, scope, opsets, name);
        }
        const auto opset = opsets.find(is_default ? "" : node.domain());
        const std::string key = is_default ? node.op_type() : text(node.domain(), ".", node.op_type());
        const Operator* op = find_operator(key);
        if (op == nullptr && graph::find_operator_rule(key) == nullptr) {
            unknown(node);
        }
        NodeContext context(model_, node, opset == opsets.end() ? 1 : opset->second, std::move(inputs), std::move(attributes));
        if (op == nullptr) {
            import_by_rule(context, key);
            return std::move(context.results());
        }
        try {
            op->import(context);
        } catch (...) {
            // Layers want constants or floating point where ONNX allows more: the operator's host function takes that.
            if (!is_refusal(current_failure(NodeErrorCode::kINVALID_NODE).code) || graph::find_operator_rule(key) == nullptr) {
                throw;
            }
            context.results().clear();
            import_by_rule(context, key);
        }
        return std::move(context.results());
    }

    //! If, Loop and Scan: their networks are read by readers of their own.
    std::vector<Value> import_control(const NodeProto& node, const std::vector<Value*>& inputs, const AttributeMap& attributes,
                                      Scope& scope, const Opsets& opsets, const std::string& name) {
        if (depth_ >= kDeepestCall) {
            fail(NodeErrorCode::kINVALID_GRAPH, "Branches and loops lie more than ", kDeepestCall, " levels deep.");
        }
        const std::size_t errors = result_.errors.size();
        ControlNode control{node.op_type(), name, inputs, attributes, {}, static_cast<std::size_t>(node.output_size()), 0, {}, {}};
        const auto opset = opsets.find("");
        control.opset = opset == opsets.end() ? 1 : opset->second;
        control.outer = [&scope](const std::string& wanted) {
            const auto it = scope.find(wanted);
            return it == scope.end() ? nullptr : &it->second;
        };
        control.read_body = [&](const onnx_pb::GraphProto& graph, std::span<const BodyInput> formal) {
            auto body = std::make_shared<Network>();
            body->name = text(name, "/", graph.name());
            GraphReader(*this, *body).read_body(graph, formal, opsets, attributes, name + "/");
            if (result_.errors.size() > errors) {
                function_failed_ = true; // the error inside has been reported
                fail(NodeErrorCode::kINVALID_NODE, "The network that it runs cannot be imported.");
            }
            return body;
        };
        control.read_inline = [&](const onnx_pb::GraphProto& graph) {
            Scope inner = scope;
            read_initializers(graph, inner);
            read_nodes(graph.node(), opsets, inner, attributes, name + "/");
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
        };
        build_.begin_node(name);
        return read_control(build_, control);
    }

    void read_body(const onnx_pb::GraphProto& graph, std::span<const BodyInput> inputs, const Opsets& opsets, const AttributeMap& caller,
                   const std::string& prefix) {
        for (const BodyInput& input : inputs) {
            Value value;
            value.name = input.name;
            if (input.constant) {
                value.constant = input.constant;
            } else {
                value.tensor = network_.add_input(input.name, input.dtype, input.dims, input.dimension_names);
            }
            scope_.emplace(input.name, std::move(value));
        }
        read_initializers(graph, scope_);
        const std::size_t errors = result_.errors.size();
        read_nodes(graph.node(), opsets, scope_, caller, prefix);
        if (result_.errors.size() == errors) {
            mark_outputs(graph);
        }
    }

    [[noreturn]] static void unknown(const NodeProto& node) {
        if (!is_default_domain(node.domain())) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE, "Operators of the domain '", node.domain(),
                 "' are not offered; export the model with operators of the default domain only.");
        }
        const std::string_view nearest = nearest_operator(node.op_type());
        fail(NodeErrorCode::kUNSUPPORTED_NODE, "There is no importer for the operator '", node.op_type(), "'",
             nearest.empty() ? text("; replace it by operators that are offered, or cut the model before it.")
                             : text("; did you mean '", nearest, "'?"));
    }

    const onnx_pb::FunctionProto* find_function(const NodeProto& node) const {
        const auto it = std::find_if(proto_.functions().begin(), proto_.functions().end(), [&](const auto& f) {
            return f.name() == node.op_type() &&
                   (f.domain() == node.domain() || (is_default_domain(f.domain()) && is_default_domain(node.domain())));
        });
        return it == proto_.functions().end() ? nullptr : &*it;
    }

    //! A local function's body takes the place of its call.
    std::vector<Value> call(const onnx_pb::FunctionProto& function, const std::vector<Value*>& inputs,
                            AttributeMap attributes, const std::string& name) {
        if (calls_.size() >= kDeepestCall) {
            fail(NodeErrorCode::kINVALID_GRAPH, "Local functions call each other more than ", kDeepestCall,
                 " levels deep; '", function.name(), "' may be calling itself.");
        }
        Scope body;
        for (int i = 0; i < function.input_size() && static_cast<std::size_t>(i) < inputs.size(); ++i) {
            if (inputs[static_cast<std::size_t>(i)] != nullptr) {
                body[function.input(i)] = *inputs[static_cast<std::size_t>(i)];
            }
        }
        for (const auto& attribute : function.attribute_proto()) {
            attributes.emplace(attribute.name(), &attribute);
        }
        const std::size_t errors = result_.errors.size();
        calls_.push_back(function.name());
        read_nodes(function.node(), opsets_of(function.opset_import()), body, attributes, name + "/");
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

    void define(const NodeProto& node, int index, std::vector<Value>& results, Scope& scope,
                const std::string& prefix) {
        const std::string& name = node.output(index);
        if (name.empty()) {
            return;
        }
        const auto i = static_cast<std::size_t>(index);
        if (i >= results.size() || (results[i].tensor == nullptr && !results[i].constant)) {
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

    //! What nodes make is what the network gives; a declaration that says otherwise misleads whoever reads it.
    void warn_of_declaration(const onnx_pb::ValueInfoProto& output, const Tensor& tensor) {
        const auto& declared = output.type().tensor_type();
        if (!output.type().has_tensor_type() || declared.elem_type() == 0) {
            return;
        }
        bool agrees = data_type(declared.elem_type()) == tensor.dtype;
        std::string dims;
        if (declared.has_shape()) {
            const auto& shape = declared.shape();
            agrees = agrees && static_cast<std::size_t>(shape.dim_size()) == tensor.dims.size();
            for (int axis = 0; axis < shape.dim_size(); ++axis) {
                const bool fixed = shape.dim(axis).has_dim_value() && shape.dim(axis).dim_value() >= 0;
                dims += text(axis == 0 ? "" : ", ", fixed ? text(shape.dim(axis).dim_value()) : "?");
                if (agrees && fixed) {
                    const auto made = build_.extent(&tensor, static_cast<std::size_t>(axis));
                    agrees = !made || *made == shape.dim(axis).dim_value();
                }
            }
            dims = text(" [", dims, "]");
        }
        if (!agrees) {
            model_.warnings.push_back(text("Output '", output.name(), "' is declared as ",
                                           type_name(declared.elem_type()), dims, ", but its node makes ",
                                           dtype_name(tensor.dtype), " ", network_.describe_dims(tensor),
                                           ", which is what the network gives."));
        }
    }

    void mark_outputs(const onnx_pb::GraphProto& graph) {
        std::unordered_set<std::string> marked;
        for (const auto& output : graph.output()) {
            if (!marked.insert(output.name()).second) {
                model_.warnings.push_back(
                    text("The graph lists its output '", output.name(), "' twice; it is offered once."));
                continue;
            }
            const auto it = scope_.find(output.name());
            if (it == scope_.end()) {
                fail(NodeErrorCode::kINVALID_GRAPH, "The graph's output '", output.name(), "' is made by no node.");
            }
            build_.begin_node(output.name());
            Tensor* tensor = materialize(build_, it->second);
            warn_of_declaration(output, *tensor);
            if (tensor->name != output.name() || tensor->is_input ||
                tensor->is_output) { // another name for the same tensor
                tensor = build_.add(LayerType::kIDENTITY, {tensor}, graph::NoAttributes{}, "output");
                if (network_.find(output.name()) == nullptr) {
                    network_.rename(tensor, output.name());
                }
            }
            network_.mark_output(tensor);
        }
        if (graph.output_size() == 0) {
            fail(NodeErrorCode::kINVALID_GRAPH, "The graph has no outputs, so there is nothing to compute.");
        }
    }

    const onnx_pb::ModelProto& proto_;
    Network& network_;
    ImportResult& result_;
    Build build_;
    ModelContext model_;
    Scope scope_;
    std::unordered_set<const Tensor*> named_;
    std::vector<std::string> calls_;
    int node_index_ = -1;
    std::size_t depth_ = 0; // of networks inside networks
    bool function_failed_ = false;
};

} // namespace

void read_graph(const std::shared_ptr<const onnx_pb::ModelProto>& model, const std::filesystem::path& file,
                Network& network, ImportResult& result) {
    GraphReader(model, file, network, result).read();
}

} // namespace tensorvk::onnx
