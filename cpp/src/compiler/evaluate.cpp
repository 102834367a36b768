#include "compiler/evaluate.hpp"

#include <vector>

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

std::optional<Tensor> evaluate(const Ir& ir, const Op& op) {
    if (std::holds_alternative<tactics::Pointwise>(op.kind)) {
        return pointwise(ir, op);
    }
    return std::nullopt;
}

} // namespace tensorvk::compiler
