#include "compiler/evaluate.hpp"

#include <vector>

#include "kernels/host/functions.hpp"
#include "kernels/host/pointwise.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::host::Tensor;

Tensor pointwise(const Ir& ir, const Op& op) {
    std::vector<const Tensor*> operands;
    for (const ValueId id : op.operands) {
        operands.push_back(ir.value(id).constant.get());
    }
    return kernels::host::pointwise(op.epilogue, *ir.value(op.inputs[0]).constant, operands, ir.value(op.outputs[0]).dtype);
}

} // namespace

namespace {

//! Control runs networks, and what is drawn at random is not the same each time.
std::optional<Tensor> host_call(const Ir& ir, const Op& op) {
    const auto& kind = std::get<tactics::HostCall>(op.kind);
    const kernels::host::Function* function = kernels::host::find_function(kind.function);
    if (function == nullptr || !function->foldable || !kind.definitions.empty()) {
        return std::nullopt;
    }
    std::vector<const Tensor*> inputs;
    for (const ValueId id : op.inputs) {
        inputs.push_back(id < 0 ? nullptr : ir.value(id).constant.get());
    }
    kernels::host::Call call(op.name, kind.attributes, std::move(inputs), 1);
    function->run(call);
    return call.outputs()[0].dtype == ir.value(op.outputs[0]).dtype ? std::optional(std::move(call.outputs()[0])) : std::nullopt;
}

} // namespace

std::optional<Tensor> evaluate(const Ir& ir, const Op& op) {
    if (std::holds_alternative<tactics::Pointwise>(op.kind)) {
        return pointwise(ir, op);
    }
    if (std::holds_alternative<tactics::HostCall>(op.kind)) {
        return host_call(ir, op);
    }
    return std::nullopt;
}

} // namespace tensorvk::compiler
