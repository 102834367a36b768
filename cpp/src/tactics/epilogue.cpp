#include "tactics/epilogue.hpp"

#include <algorithm>

#include "kernels/pointwise_program.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kOperandShort = 16; // bit of operand 0 in G(0)

bool is_float(DataType type) {
    return type == DataType::kFLOAT || is_short_float(type);
}

std::int32_t encode_mode(const OperandMode& mode) {
    return static_cast<std::int32_t>(mode.kind) << 6 | (mode.channels_last ? 32 : 0) | mode.axes;
}

} // namespace

AxisRoles convolution_roles(std::size_t rank) {
    AxisRoles roles{.bit = {0, 1}, .channel_bit = 1};
    for (std::size_t axis = 2; axis < rank; ++axis) {
        roles.bit.push_back(static_cast<std::int32_t>(5 - rank + axis));
    }
    return roles;
}

AxisRoles matrix_roles(std::size_t rank) {
    AxisRoles roles{.bit = {}, .channel_bit = 4};
    for (std::size_t axis = 0; axis < rank; ++axis) {
        roles.bit.push_back(static_cast<std::int32_t>(axis + 5 < rank ? 0 : axis + 5 - rank));
    }
    return roles;
}

std::optional<OperandMode> operand_mode(const Value& operand, const Value& output, const AxisRoles& roles,
                                        const shape::ExprPool& exprs) {
    OperandMode mode;
    mode.channels_last = operand.layout == Layout::kCHANNELS_LAST;
    if (operand.dims.size() > output.dims.size()) return std::nullopt;
    const std::size_t skipped = output.dims.size() - operand.dims.size();
    bool all = true;
    for (std::size_t axis = 0; axis < output.dims.size(); ++axis) {
        const bool one = axis < skipped || exprs.is(operand.dims[axis - skipped], 1);
        if (exprs.is(output.dims[axis], 1) && one) continue;
        if (one) {
            all = false;
            continue;
        }
        if (operand.dims[axis - skipped] != output.dims[axis]) return std::nullopt;
        mode.axes |= 1 << roles.bit[axis];
    }
    if (all && (operand.layout == output.layout || same_in_both_layouts(exprs, output))) {
        mode.kind = OperandKind::kSAME;
    } else if (mode.axes == 1 << roles.channel_bit) {
        mode.kind = OperandKind::kPER_CHANNEL;
    } else if (mode.axes == 0) {
        mode.kind = OperandKind::kSCALAR;
    }
    return mode;
}

std::string refuse_epilogue(const Query& query, const AxisRoles& roles, bool general) {
    const bool quantizes = is_byte(query.output().dtype) && !is_byte(query.input(0).dtype);
    return quantizes ? "only the host's tiles quantize sums of floats" : refuse_operands(query, roles, general);
}

std::string refuse_operands(const Query& query, const AxisRoles& roles, bool general) {
    const Value& output = query.output();
    const bool quantized = is_byte(query.input(0).dtype);
    for (const ValueId id : query.operation.operands) {
        const Value& operand = query.value(id);
        if (!is_float(operand.dtype) && !(quantized && is_byte(operand.dtype))) {
            return text("operand '", operand.name, "' is ", dtype_name(operand.dtype),
                        ", only float32, float16 and bfloat16 can be fused");
        }
        if (!operand.strides.empty()) return text("operand '", operand.name, "' has gaps in memory");
        const std::optional<OperandMode> mode = operand_mode(operand, output, roles, query.exprs);
        if (!mode)
            return text("operand '", operand.name, "' is not known to broadcast to the output '", output.name, "'");
        if (!general && mode->kind == OperandKind::kGENERAL) {
            return text("operand '", operand.name,
                        "' is neither laid out like the output, nor one value per channel, nor one value");
        }
    }
    return {};
}

std::int32_t operand_modes(const Lowering& lowering, const Operation& operation, const AxisRoles& roles) {
    const Value& output = lowering.value(operation.outputs.at(0));
    std::int32_t modes = 0;
    for (std::size_t k = 0; k < operation.operands.size(); ++k) {
        const Value& operand = lowering.value(operation.operands[k]);
        const std::optional<OperandMode> mode = operand_mode(operand, output, roles, lowering.exprs());
        if (!mode) {
            throw InternalError(text("Layer '", operation.name, "' was lowered with operand '", operand.name,
                                     "', which its kernel refuses."));
        }
        modes |= static_cast<std::int32_t>(static_cast<std::uint32_t>(encode_mode(*mode)) << (8 * k));
    }
    return modes;
}

void add_epilogue(StepBuilder& step, Lowering& lowering, const Operation& operation, const AxisRoles& roles,
                  std::int32_t types, std::int32_t unused) {
    for (std::size_t k = 0; k < kernels::PointwiseProgram::kMaxOperands; ++k) {
        if (k >= operation.operands.size()) {
            step.reads(unused);
            continue;
        }
        const Value& operand = lowering.value(operation.operands[k]);
        types |= is_short_float(operand.dtype) ? kOperandShort << k : 0;
        step.reads(operand.buffer);
    }
    step.geometry(0, types).geometry(1, operand_modes(lowering, operation, roles)).pointwise(operation.epilogue);
}

std::string product_variant(const Query& query) {
    const Operation& operation = query.operation;
    const auto touches = [&](DataType type) {
        const auto is = [&](ValueId id) { return id >= 0 && query.value(id).dtype == type; };
        return std::ranges::any_of(operation.inputs, is) || std::ranges::any_of(operation.outputs, is) || std::ranges::any_of(operation.operands, is);
    };
    const bool half = touches(DataType::kHALF), bfloat = touches(DataType::kBF16);
    return half && bfloat ? "mixed" : half ? "f16" : bfloat ? "bf16" : "f32";
}

} // namespace tensorvk::tactics
