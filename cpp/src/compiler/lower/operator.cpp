// Operators and control layers: one call of a host function each.
#include "compiler/lower/context.hpp"
#include "plan/program.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

void lower_operator(LayerContext& context, const graph::Layer& layer) {
    if (lower_quantization(context, layer)) {
        return;
    }
    tactics::HostCall call;
    if (const auto* control = std::get_if<graph::ControlAttributes>(&layer.attributes)) {
        call.function = control->op;
        call.attributes = control->attributes;
        for (const auto& body : control->bodies) {
            call.bodies.push_back(context.add_body(body));
        }
    } else {
        const auto& a = std::get<graph::OperatorAttributes>(layer.attributes);
        call.function = a.op;
        call.attributes = a.attributes;
    }
    const bool reads = call.function == plan::kReadValues;
    for (const graph::Unknown& unknown : layer.unknowns) {
        call.definitions.push_back({unknown.symbol, unknown.most, reads ? -1 : unknown.output, unknown.axis});
    }
    std::vector<ValueId> inputs;
    for (const graph::Tensor* input : layer.inputs) {
        inputs.push_back(input == nullptr ? -1 : context.value(*input));
    }
    std::vector<ValueId> outputs;
    for (std::size_t i = 0; i < layer.outputs.size(); ++i) {
        outputs.push_back(context.output(layer, i));
    }
    context.ir().add_op(layer.name, std::move(call), std::move(inputs), std::move(outputs));
}

} // namespace tensorvk::compiler
