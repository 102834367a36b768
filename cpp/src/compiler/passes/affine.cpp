// Scale and shift after a convolution move into its weights and bias: batch norm costs nothing.
#include <algorithm>
#include <cmath>
#include <optional>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::PointwiseSlot;
using kernels::host::Tensor;

//! One number per output channel.
using PerChannel = std::vector<float>;

std::int64_t channels_of(const Ir& ir, const Op& op) {
    const auto& dims = ir.value(op.outputs[0]).dims;
    const shape::Expr e = std::holds_alternative<tactics::Convolution>(op.kind) ? dims.at(1) : dims.back();
    return ir.exprs.value(e).value_or(-1);
}

//! The constant that slot `slot` combines the value with, spread over the channels; nothing when it is no such constant.
std::optional<PerChannel> constant_argument(const Ir& ir, const Op& producer, const Op& pointwise, const PointwiseSlot& slot) {
    const std::int64_t channels = channels_of(ir, producer);
    if (channels <= 0) {
        return std::nullopt;
    }
    const auto count = static_cast<std::size_t>(channels);
    if (slot.b.kind == PointwiseArg::Kind::kIMMEDIATE) {
        return PerChannel(count, slot.immediate);
    }
    if (slot.b.kind != PointwiseArg::Kind::kOPERAND) {
        return std::nullopt;
    }
    const Value& value = ir.value(pointwise.operands[slot.b.index]);
    if (!value.constant || value.constant->dtype != DataType::kFLOAT) {
        return std::nullopt;
    }
    const auto data = value.constant->as<float>();
    if (data.size() == 1) {
        return PerChannel(count, data[0]);
    }
    const std::size_t rank = ir.value(producer.outputs[0]).dims.size();
    const std::size_t from_right = std::holds_alternative<tactics::Convolution>(producer.kind) ? rank - 1 - 1 : 0; // axes behind the channels
    const auto& dims = value.constant->dims;
    if (data.size() != count || dims.size() <= from_right || dims[dims.size() - 1 - from_right] != channels) {
        return std::nullopt;
    }
    return PerChannel(data.begin(), data.end());
}

bool reads_value(const PointwiseSlot& slot, std::uint8_t index) {
    const auto reads = [&](const PointwiseArg& arg, int position) {
        return kernels::arity(slot.op) > position && arg.kind == PointwiseArg::Kind::kVALUE && arg.index == index;
    };
    return reads(slot.a, 0) || reads(slot.b, 1) || reads(slot.c, 2);
}

void drop_first_slot(kernels::PointwiseProgram& program) {
    program.slots.erase(program.slots.begin());
    for (PointwiseSlot& slot : program.slots) {
        for (PointwiseArg* arg : {&slot.a, &slot.b, &slot.c}) {
            if (arg->kind == PointwiseArg::Kind::kVALUE && arg->index > 0) {
                --arg->index;
            }
        }
    }
}

void scale_weights(Ir& ir, Op& op, const PerChannel& factor) {
    const auto& conv = std::get<tactics::Convolution>(op.kind);
    const Value& old = ir.value(op.inputs[1]);
    Tensor weights = *old.constant;
    const std::string name = old.name;
    auto data = weights.as<float>();
    std::size_t kernel = 1;
    for (std::size_t axis = 2; axis < weights.dims.size(); ++axis) {
        kernel *= static_cast<std::size_t>(weights.dims[axis]);
    }
    const auto rows = static_cast<std::size_t>(weights.dims[0]);
    const auto columns = static_cast<std::size_t>(weights.dims[1]);
    const std::size_t rows_per_group = rows / static_cast<std::size_t>(conv.geometry.groups);
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
            const std::size_t channel = conv.transposed ? (r / rows_per_group) * columns + c : r;
            for (std::size_t k = 0; k < kernel; ++k) {
                data[(r * columns + c) * kernel + k] *= factor[channel];
            }
        }
    }
    op.inputs[1] = ir.add_constant(name, std::move(weights));
}

void change_bias(Ir& ir, Op& op, const PerChannel& factor, const PerChannel& shift) {
    Tensor bias(DataType::kFLOAT, {static_cast<std::int64_t>(factor.size())});
    if (op.has_bias) {
        std::ranges::copy(ir.value(op.inputs[2]).constant->as<float>(), bias.as<float>().begin());
    }
    auto data = bias.as<float>();
    for (std::size_t c = 0; c < data.size(); ++c) {
        data[c] = std::fma(data[c], factor[c], shift[c]);
    }
    op.inputs.resize(2);
    op.inputs.push_back(ir.add_constant(op.name + "/bias", std::move(bias)));
    op.has_bias = true;
}

//! Folds the first slot of `pointwise` into `producer`; false when it is not a scale or shift by constants.
bool fold_first_slot(Ir& ir, Op& producer, Op& pointwise) {
    if (pointwise.epilogue.empty()) {
        return false;
    }
    const PointwiseSlot slot = pointwise.epilogue.slots.front();
    const bool starts_with_value = slot.a.kind == PointwiseArg::Kind::kVALUE && slot.a.index == 0;
    const auto& rest = pointwise.epilogue.slots;
    const bool value_used_later = std::any_of(rest.begin() + 1, rest.end(), [](const PointwiseSlot& s) { return reads_value(s, 0); });
    const bool bias_known = !producer.has_bias || ir.value(producer.inputs[2]).constant;
    const bool scales = slot.op == PointwiseOp::kMUL || slot.op == PointwiseOp::kDIV;
    const bool shifts = slot.op == PointwiseOp::kADD || slot.op == PointwiseOp::kSUB;
    const bool convolution = std::holds_alternative<tactics::Convolution>(producer.kind);
    if (!starts_with_value || value_used_later || !bias_known || !(shifts || (scales && convolution && ir.value(producer.inputs[1]).constant))) {
        return false;
    }
    auto constant = constant_argument(ir, producer, pointwise, slot);
    if (!constant) {
        return false;
    }
    if (slot.op == PointwiseOp::kDIV || slot.op == PointwiseOp::kSUB) {
        for (float& c : *constant) {
            c = slot.op == PointwiseOp::kDIV ? 1.0f / c : -c;
        }
    }
    if (scales) {
        scale_weights(ir, producer, *constant);
        if (producer.has_bias) {
            change_bias(ir, producer, *constant, PerChannel(constant->size(), 0.0f));
        }
    } else {
        change_bias(ir, producer, PerChannel(constant->size(), 1.0f), *constant);
    }
    drop_first_slot(pointwise.epilogue);
    return true;
}

//! A + x with a constant A on the left is the same as x + A: put the constant where folding looks for it.
void constant_to_the_right(Ir& ir, Op& pointwise, ValueId joint) {
    if (pointwise.inputs[0] == joint || pointwise.epilogue.slots.size() != 1 || pointwise.operands.size() != 1 || pointwise.operands[0] != joint) {
        return;
    }
    PointwiseSlot& slot = pointwise.epilogue.slots[0];
    const bool commutes = slot.op == PointwiseOp::kADD || slot.op == PointwiseOp::kMUL || slot.op == PointwiseOp::kMAX || slot.op == PointwiseOp::kMIN;
    if (commutes && slot.b.kind == PointwiseArg::Kind::kOPERAND && ir.same_dims(ir.value(joint), ir.value(pointwise.outputs[0]))) {
        std::swap(pointwise.inputs[0], pointwise.operands[0]);
    }
}

} // namespace

void fold_affine(Ir& ir) {
    const Uses uses(ir);
    for (Op& producer : ir.ops) {
        if (!is_product(producer) || is_quantized_product(ir, producer)) {
            continue;
        }
        const ValueId joint = producer.outputs[0];
        const auto& consumers = uses.consumers[static_cast<std::size_t>(joint)];
        if (consumers.empty() || !only_used_by(ir, uses, joint, consumers[0])) {
            continue;
        }
        Op& pointwise = ir.ops[consumers[0]];
        if (!is_pointwise(pointwise) || !ir.one_type(joint, pointwise.outputs[0])) { // sums of float16 may be too small for what is scaled in float32
            continue;
        }
        constant_to_the_right(ir, pointwise, joint);
        const bool used_twice = std::ranges::count(pointwise.operands, joint) > 0;
        if (pointwise.inputs[0] != joint || used_twice || !ir.same_dims(ir.value(joint), ir.value(pointwise.outputs[0]))) {
            continue;
        }
        while (fold_first_slot(ir, producer, pointwise)) {
        }
        prune_operands(pointwise);
    }
}

} // namespace tensorvk::compiler
