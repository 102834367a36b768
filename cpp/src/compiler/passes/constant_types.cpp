#include "compiler/passes/constant_types.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "support/dtype.hpp"

namespace tensorvk::compiler {

namespace {

constexpr float kLargestHalf = 65504.0F;

bool beyond_half(float number) { return std::isfinite(number) && std::abs(number) > kLargestHalf; }

//! Finite numbers beyond float16 become its largest: masks are written as -1e9 and the like, and rows of infinities have no softmax.
float within_half(float number) { return beyond_half(number) ? std::copysign(kLargestHalf, number) : number; }

ValueId constant_as(Ir& ir, ValueId id, DataType type) {
    const Value& value = ir.value(id);
    kernels::host::Tensor numbers = *value.constant;
    if (type == DataType::kHALF && numbers.dtype == DataType::kFLOAT) {
        std::ranges::transform(numbers.as<float>(), numbers.as<float>().begin(), within_half);
    }
    return ir.add_constant(value.name, numbers.converted(type));
}

bool touches_bytes(const Ir& ir, const Op& op) {
    const auto byte = [&](ValueId id) { return id >= 0 && is_byte(ir.value(id).dtype); };
    return std::ranges::any_of(op.inputs, byte) || std::ranges::any_of(op.outputs, byte);
}

} // namespace

void convert_moved_constants(Ir& ir) {
    for (Op& op : ir.ops) {
        const bool moves = std::holds_alternative<tactics::Copy>(op.kind) || std::holds_alternative<tactics::Gather>(op.kind);
        if (op.role != Role::kRESHAPE && !(op.role == Role::kCOMPUTE && moves)) {
            continue;
        }
        const ValueId id = op.inputs[0];
        const DataType type = ir.value(op.outputs[0]).dtype;
        if (ir.value(id).constant && is_floating(ir.value(id).dtype) && is_floating(type) && ir.value(id).dtype != type) {
            op.inputs[0] = constant_as(ir, id, type);
        }
    }
}

void convert_operand_constants(Ir& ir, DataType internal) {
    if (internal != DataType::kHALF) {
        return;
    }
    for (Op& op : ir.ops) {
        if (touches_bytes(ir, op)) { // scales keep all their digits
            continue;
        }
        // Where the graph says types, those of float32 are known by the digits that float16 lacks.
        const auto stays = [&](float number) { return beyond_half(number) || (ir.target.typed && half_to_float(float_to_half(number)) != number); };
        for (ValueId& id : op.operands) {
            const Value& value = ir.value(id);
            if (!value.constant || value.constant->dtype != DataType::kFLOAT || ir.value(op.outputs[0]).dtype == DataType::kFLOAT ||
                std::ranges::any_of(value.constant->as<float>(), stays)) {
                continue;
            }
            id = constant_as(ir, id, internal);
        }
    }
}

void saturate_results(Ir& ir) {
    using kernels::PointwiseArg;
    for (Op& op : ir.ops) {
        auto& slots = op.epilogue.slots;
        const auto large = [&](ValueId id) {
            const auto& constant = ir.value(id).constant;
            return constant && constant->dtype == DataType::kFLOAT && std::ranges::any_of(constant->as<float>(), beyond_half);
        };
        const bool needed = std::ranges::any_of(slots, [](const auto& slot) { return beyond_half(slot.immediate); }) ||
                            std::ranges::any_of(op.operands, large);
        if (!needed || ir.value(op.outputs[0]).dtype != DataType::kHALF || slots.size() + 2 > kernels::PointwiseProgram::kMaxSlots) {
            continue;
        }
        for (const auto& [limit, number] : {std::pair{kernels::PointwiseOp::kMIN, kLargestHalf}, {kernels::PointwiseOp::kMAX, -kLargestHalf}}) {
            const PointwiseArg last{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(slots.size())};
            slots.push_back({limit, last, {PointwiseArg::Kind::kIMMEDIATE, 0}, {}, number});
        }
    }
}

} // namespace tensorvk::compiler
