#include "compiler/evaluate.hpp"

#include <list>
#include <vector>

#include "kernels/host/copy.hpp"
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

//! What moves elements of one type; floats are mostly known in float32, whatever the network says.
bool only_moves(const Ir& ir, const Op& op) {
    const auto& copy = std::get<tactics::Copy>(op.kind);
    const DataType from = ir.value(op.inputs[0]).constant->dtype, to = ir.value(op.outputs[0]).dtype;
    return (from == to || (is_floating(from) && is_floating(to))) && ir.is_static(copy.start) && ir.is_static(copy.stride) &&
           ir.is_static(copy.region);
}

kernels::host::CopyRegion region_of(const Ir& ir, const tactics::Copy& copy) {
    return {copy.axis_of, ir.extents(copy.start), ir.extents(copy.stride), ir.extents(copy.region), copy.outside, copy.fill};
}

std::optional<Tensor> moved(const Ir& ir, const Op& op) {
    const auto& copy = std::get<tactics::Copy>(op.kind);
    if (copy.destination_axis >= 0 || !only_moves(ir, op)) return std::nullopt;
    return kernels::host::copy_region(*ir.value(op.inputs[0]).constant, region_of(ir, copy));
}

} // namespace

std::optional<Tensor> joined(const Ir& ir, std::span<const Op* const> parts) {
    const Value& whole = ir.value(parts[0]->outputs[0]);
    Tensor out(ir.value(parts[0]->inputs[0]).constant->dtype, ir.extents(whole.dims));
    for (const Op* part : parts) {
        const auto& copy = std::get<tactics::Copy>(part->kind);
        const auto offset = ir.exprs.value(copy.destination_offset);
        if (!only_moves(ir, *part) || ir.value(part->inputs[0]).constant->dtype != out.dtype || !offset || copy.destination_stride != 1) return std::nullopt;
        std::vector<std::int64_t> place(out.dims.size(), 0);
        place[static_cast<std::size_t>(copy.destination_axis)] = *offset;
        kernels::host::copy_region(*ir.value(part->inputs[0]).constant, region_of(ir, copy), out, place);
    }
    return out;
}

std::optional<Tensor> evaluate(const Ir& ir, const Op& op) {
    if (std::holds_alternative<tactics::Pointwise>(op.kind)) {
        return pointwise(ir, op);
    }
    if (std::holds_alternative<tactics::HostCall>(op.kind)) {
        return host_call(ir, op);
    }
    if (std::holds_alternative<tactics::Copy>(op.kind)) {
        return moved(ir, op);
    }
    return std::nullopt;
}

} // namespace tensorvk::compiler
