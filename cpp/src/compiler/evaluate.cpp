#include "compiler/evaluate.hpp"

#include <list>
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
    std::list<Tensor> in_float; // what functions compute with
    for (const ValueId id : op.inputs) {
        const Tensor* input = id < 0 ? nullptr : ir.value(id).constant.get();
        const bool narrow = input != nullptr && is_floating(input->dtype) && input->dtype != DataType::kFLOAT;
        inputs.push_back(narrow ? &in_float.emplace_back(input->converted(DataType::kFLOAT)) : input);
    }
    kernels::host::Call call(op.name, kind.attributes, std::move(inputs), 1);
    function->run(call);
    Tensor& result = call.outputs()[0];
    const DataType wanted = ir.value(op.outputs[0]).dtype;
    if (result.dtype == wanted) {
        return std::move(result);
    }
    return is_floating(result.dtype) && is_floating(wanted) ? std::optional(result.converted(wanted)) : std::nullopt;
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
