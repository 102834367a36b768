#include "onnx/graph_edges.hpp"

#include <cctype>
#include <unordered_set>

#include "support/dtype.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::onnx {

using graph::Tensor;

namespace {

//! Exporters write "?" or "None" for what they do not know: such dimensions do not depend on each other.
std::string shared_name(const std::string& parameter) {
    const bool says_nothing = parameter.empty() || parameter == "None" || parameter == "none" ||
                              (std::isalpha(static_cast<unsigned char>(parameter[0])) == 0 && parameter[0] != '_');
    return says_nothing ? std::string() : parameter;
}

//! What nodes make is what the network gives; a declaration that says otherwise misleads whoever reads it.
void warn_of_declaration(const ModelContext& model, const onnx_pb::ValueInfoProto& output, const Tensor& tensor) {
    const auto& declared = output.type().tensor_type();
    if (!output.type().has_tensor_type() || declared.elem_type() == 0) {
        return;
    }
    bool agrees = onnx_type(declared.elem_type()) == tensor.dtype;
    std::string dims;
    if (declared.has_shape()) {
        const auto& shape = declared.shape();
        agrees = agrees && static_cast<std::size_t>(shape.dim_size()) == tensor.dims.size();
        for (int axis = 0; axis < shape.dim_size(); ++axis) {
            const bool fixed = shape.dim(axis).has_dim_value() && shape.dim(axis).dim_value() >= 0;
            dims += text(axis == 0 ? "" : ", ", fixed ? text(shape.dim(axis).dim_value()) : "?");
            if (agrees && fixed) {
                const auto made = model.build.extent(&tensor, static_cast<std::size_t>(axis));
                agrees = !made || *made == shape.dim(axis).dim_value();
            }
        }
        dims = text(" [", dims, "]");
    }
    if (!agrees) {
        model.warnings.push_back(text("Output '", output.name(), "' is declared as ",
                                       onnx_type_name(declared.elem_type()), dims, ", but its node makes ",
                                       dtype_name(tensor.dtype), " ", model.build.network().describe_dims(tensor),
                                       ", which is what the network gives."));
    }
}

} // namespace

Tensor* add_input(const ModelContext& model, const onnx_pb::ValueInfoProto& input) {
    if (!input.type().has_tensor_type() || !input.type().tensor_type().has_shape()) {
        fail(NodeErrorCode::kUNSUPPORTED_GRAPH, "Input '", input.name(),
             "' is no tensor of known rank; inputs must be declared as tensors with a shape.");
    }
    const std::int32_t number = input.type().tensor_type().elem_type();
    const auto type = onnx_type(number);
    if (!type) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "Input '", input.name(), "' has elements of type ",
             onnx_type_name(number),
             "; float, float16, bfloat16, double, int8, uint8, int32, int64 and bool are offered.");
    }
    if (onnx_type_name(number) == "double") {
        model.warnings.push_back(
            text("Input '", input.name(), "' is float64 in the model and float32 in the network."));
    }
    std::vector<std::int64_t> dims;
    std::vector<std::string> names;
    for (const auto& dim : input.type().tensor_type().shape().dim()) {
        dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1); // some exporters write -1 for a dynamic one
        names.push_back(dims.back() == -1 ? shared_name(dim.dim_param()) : std::string());
    }
    return model.build.network().add_input(input.name(), *type, dims, std::move(names));
}

void mark_outputs(const ModelContext& model, const onnx_pb::GraphProto& graph, Scope& scope, Outputs outputs) {
    std::unordered_set<std::string> marked;
    for (const auto& output : graph.output()) {
        if (outputs == Outputs::kBY_NAME && !marked.insert(output.name()).second) {
            model.warnings.push_back(
                text("The graph lists its output '", output.name(), "' twice; it is offered once."));
            continue;
        }
        const auto it = scope.find(output.name());
        if (it == scope.end() || it->second.absent()) {
            fail(NodeErrorCode::kINVALID_GRAPH, "The graph's output '", output.name(), "' is made by no node.");
        }
        if (it->second.failed) { // an initializer or an input, or what a network inside this one was refused for
            fail(NodeErrorCode::kUNSUPPORTED_GRAPH, it->second.refusal.empty() ? text("Its output '", output.name(), "' depends on what was refused.")
                                                                               : it->second.refusal);
        }
        model.build.begin_node(output.name());
        Tensor* tensor = materialize(model.build, it->second);
        warn_of_declaration(model, output, *tensor);
        if (tensor->name != output.name() || tensor->is_input ||
            tensor->is_output) { // another name for the same tensor
            tensor = model.build.add(LayerType::kIDENTITY, {tensor}, graph::NoAttributes{}, "output");
            if (model.build.network().find(output.name()) == nullptr) {
                model.build.network().rename(tensor, output.name());
            }
        }
        model.build.network().mark_output(tensor);
    }
    if (graph.output_size() == 0) {
        fail(NodeErrorCode::kINVALID_GRAPH, "The graph has no outputs, so there is nothing to compute.");
    }
}

} // namespace tensorvk::onnx
