// Scan of all operator sets.
#include "onnx/control_body.hpp"
#include "onnx/import_by_rule.hpp"
#include "onnx/weights.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using onnx_pb::GraphProto;

std::vector<Value> read_current_scan(Build& build, const ControlNode& node) {
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

//! Operator set 8: the first axis of everything is a batch, whose elements are scanned one by one; input 0 has their lengths.
std::vector<Value> read_first_scan(Build& build, const ControlNode& node) {
    if (node.inputs.size() < 2 || node.inputs[0] != nullptr) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE, "Its input 0 (sequence_lens) is used; only sequences of one length are offered.");
    }
    std::vector<Tensor*> batched;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        batched.push_back(required(build, node, i));
    }
    const auto batch = batched[0]->dims.empty() ? std::nullopt : build.extent(batched[0], 0);
    constexpr std::int64_t kMost = 64; // each element becomes layers of its own
    if (!batch || *batch < 1 || *batch > kMost) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "It scans a batch that is not fixed to 1 to ", kMost,
             " elements; convert the model to operator set 9 or newer with onnx.version_converter.");
    }
    AttributeMap attributes = node.attributes;
    if (const auto it = attributes.find("directions"); it != attributes.end()) {
        attributes["scan_input_directions"] = it->second;
    }
    std::vector<std::vector<Tensor*>> results(node.output_count);
    for (std::int64_t element = 0; element < *batch; ++element) {
        std::vector<Value> values(batched.size());
        std::vector<Value*> inputs;
        for (std::size_t i = 0; i < batched.size(); ++i) {
            Tensor* at = build.constant({}, make_weights<std::int64_t>(DataType::kINT64, {element}), "element");
            values[i].tensor = build.add(LayerType::kGATHER, {batched[i], at}, graph::GatherAttributes{}, "of_batch");
            inputs.push_back(&values[i]);
        }
        const ControlNode one{node.op, node.name, inputs, attributes, node.outer, node.output_count, node.opset, node.read_body, node.read_inline};
        const std::vector<Value> outputs = read_current_scan(build, one);
        for (std::size_t i = 0; i < results.size() && i < outputs.size(); ++i) {
            results[i].push_back(build.unsqueeze(outputs[i].tensor, {0}, "batch_axis"));
        }
    }
    std::vector<Value> out(results.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
        out[i].tensor = results[i].empty() ? nullptr : build.concatenate(results[i], 0, "batch");
    }
    return out;
}

} // namespace

std::vector<Value> read_scan(Build& build, const ControlNode& node) {
    return node.opset < 9 ? read_first_scan(build, node) : read_current_scan(build, node);
}

} // namespace tensorvk::onnx
