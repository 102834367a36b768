#include "compiler/from_network.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/lower/context.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

const std::map<LayerType, LowerLayer>& lowering_table() {
    static const std::map<LayerType, LowerLayer> table = {
        {LayerType::kCONVOLUTION, lower_convolution},
        {LayerType::kDECONVOLUTION, lower_convolution},
        {LayerType::kPOOLING, lower_pooling},
        {LayerType::kMATRIX_MULTIPLY, lower_matrix_multiply},
        {LayerType::kRESIZE, lower_resize},
        {LayerType::kGATHER, lower_gather},
        {LayerType::kREDUCE, lower_reduce},
        {LayerType::kSOFTMAX, lower_softmax},
        {LayerType::kTOPK, lower_topk},
        {LayerType::kACTIVATION, lower_activation},
        {LayerType::kELEMENTWISE, lower_elementwise},
        {LayerType::kUNARY, lower_unary},
        {LayerType::kSCALE, lower_scale},
        {LayerType::kPARAMETRIC_RELU, lower_parametric_relu},
        {LayerType::kSELECT, lower_select},
        {LayerType::kCAST, lower_cast},
        {LayerType::kSHUFFLE, lower_shuffle},
        {LayerType::kCONCATENATION, lower_concatenation},
        {LayerType::kSLICE, lower_slice},
        {LayerType::kIDENTITY, lower_identity},
    };
    return table;
}

//! Constants and shape arithmetic need no operation: their results are known without running anything.
bool known_without_running(const graph::Layer& layer) {
    return !layer.outputs.empty() && std::all_of(layer.outputs.begin(), layer.outputs.end(), [](const graph::Tensor* t) {
        return t->constant != nullptr || (t->values.has_value() && t->reader == nullptr);
    });
}

void add_inputs(Ir& ir, const graph::Network& network, std::map<const graph::Tensor*, ValueId>& known) {
    for (const graph::Tensor* tensor : network.inputs()) {
        const ValueId id = ir.add_value(tensor->name, tensor->io_dtype(), tensor->dims);
        ir.value(id).is_input = true;
        ir.inputs.push_back(id);
        known[tensor] = id;
    }
}

//! Every network output gets a value of its own: an input, a constant or a value that is an output already is copied.
void add_outputs(Ir& ir, LayerContext& context, const graph::Network& network) {
    for (const graph::Tensor* tensor : network.outputs()) {
        ValueId id = context.value(*tensor);
        const bool needs_copy = ir.value(id).is_input || ir.value(id).is_output || ir.value(id).constant != nullptr ||
                                ir.value(id).dtype != tensor->io_dtype();
        if (needs_copy) {
            const ValueId copy = ir.add_value(tensor->name, tensor->io_dtype(), tensor->dims);
            ir.add_op("copy to " + tensor->name, tactics::Pointwise{}, {id}, {copy});
            id = copy;
        }
        ir.value(id).name = tensor->name;
        ir.value(id).is_output = true;
        ir.outputs.push_back(id);
    }
}

//! ILayer::setPrecision or setOutputType; and loops and conditionals, whose bodies take and give float32.
bool is_pinned(const graph::Layer& layer) {
    const std::optional<DataType> wish = DataType::kFLOAT;
    return std::holds_alternative<graph::ControlAttributes>(layer.attributes) || layer.precision == wish || std::ranges::count(layer.output_types, wish) > 0;
}

void lower(LayerContext& context, const graph::Layer& layer) {
    if (std::holds_alternative<graph::OperatorAttributes>(layer.attributes) || std::holds_alternative<graph::ControlAttributes>(layer.attributes)) {
        return lower_operator(context, layer);
    }
    const auto row = lowering_table().find(layer.type);
    if (row == lowering_table().end()) {
        throw Unsupported(text("Layer '", layer.name, "' has type ", static_cast<int>(layer.type),
                               ", which computes with data in memory in a way this version does not offer."));
    }
    row->second(context, layer);
}

} // namespace

Ir from_network(const graph::Network& network) {
    if (network.outputs().empty()) {
        throw InvalidModel(text("Network '", network.name, "' has no output; mark at least one tensor with mark_output."));
    }
    Ir ir;
    ir.exprs = network.exprs();
    std::map<const graph::Tensor*, ValueId> known;
    LayerContext context(ir, known);
    add_inputs(ir, network, known);
    for (const graph::Layer* layer : network.topological()) {
        if (known_without_running(*layer) || layer->type == LayerType::kASSERTION) { // a constraint of the program
            continue;
        }
        const std::size_t first = ir.ops.size();
        lower(context, *layer);
        for (std::size_t i = first; i < ir.ops.size() && is_pinned(*layer); ++i) {
            for (const ValueId id : ir.ops[i].outputs) {
                ir.value(id).pinned = true;
            }
        }
    }
    add_outputs(ir, context, network);
    return ir;
}

} // namespace tensorvk::compiler
