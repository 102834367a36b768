#include "compiler/passes/fusion.hpp"

#include <algorithm>
#include <string_view>

#include "compiler/passes/passes.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseProgram;
using kernels::PointwiseSlot;

//! Floats and truth values survive in a float register; integers need their own arithmetic.
bool fits_float(const Value& value) { return is_floating(value.dtype) || value.dtype == DataType::kBOOL; }

//! Its result is a whole number of the type's range before it is stored.
bool quantizes(const Op& op) {
    return std::ranges::any_of(op.epilogue.slots, [](const PointwiseSlot& slot) { return slot.op == kernels::PointwiseOp::kQUANTIZE; });
}

//! 8-bit integers survive too where they are numbers: read by an op that computes in float, or rounded by one that quantizes.
bool all_fit_float(const Ir& ir, const Op& op) {
    const auto fits = [&](ValueId id) { return fits_float(ir.value(id)); };
    const auto fits_or_byte = [&](ValueId id) { return fits(id) || is_byte(ir.value(id).dtype); };
    const bool in_float = quantizes(op) || std::ranges::all_of(op.outputs, fits);
    return in_float && std::ranges::all_of(op.inputs, fits_or_byte) && std::ranges::all_of(op.operands, fits_or_byte) &&
           std::ranges::all_of(op.outputs, fits_or_byte);
}

//! A product that quantizes its own result stores 8 bits instead of 32: what comes behind does not draw that apart.
bool stays_in_memory(const Ir& ir, const Uses& uses, const Op& first) {
    const auto from_product = [&](ValueId id) {
        return std::ranges::any_of(uses.producers[static_cast<std::size_t>(id)], [&](std::size_t p) { return is_product(ir.ops[p]); });
    };
    return is_byte(ir.value(first.outputs[0]).dtype) &&
           (std::ranges::any_of(first.inputs, from_product) || std::ranges::any_of(first.operands, from_product));
}

} // namespace

std::string joined_name(const std::string& first, const std::string& second) {
    constexpr std::string_view kPlus = " + ";
    constexpr std::string_view kGap = "...";
    std::string all = text(first, kPlus, second);
    if (all.size() <= kLongestJoinedName) {
        return all;
    }
    const std::string_view begin = std::string_view(first).substr(0, first.find(kPlus));
    const std::size_t last = second.rfind(kPlus);
    const std::string_view end = std::string_view(second).substr(last == std::string::npos ? 0 : last + kPlus.size());
    const std::size_t room = (kLongestJoinedName - 2 * kPlus.size() - 3 * kGap.size()) / 2;
    const auto cut = [&](std::string_view part) {
        return part.size() <= room ? std::string(part) : text(part.substr(0, room), kGap);
    };
    return text(cut(begin), kPlus, kGap, kPlus, cut(end));
}

bool only_used_by(const Ir& ir, const Uses& uses, ValueId value, std::size_t consumer) {
    const auto& consumers = uses.consumers[static_cast<std::size_t>(value)];
    return !ir.value(value).is_output && !consumers.empty() &&
           std::all_of(consumers.begin(), consumers.end(), [&](std::size_t c) { return c == consumer; });
}

void prune_operands(Op& op) {
    std::vector<ValueId> kept;
    std::vector<int> place(op.operands.size(), -1);
    for (PointwiseSlot& slot : op.epilogue.slots) {
        PointwiseArg* const args[] = {&slot.a, &slot.b, &slot.c};
        for (int i = 0; i < kernels::arity(slot.op); ++i) {
            if (args[i]->kind != PointwiseArg::Kind::kOPERAND) {
                continue;
            }
            int& at = place[args[i]->index];
            if (at < 0) {
                at = static_cast<int>(kept.size());
                kept.push_back(op.operands[args[i]->index]);
            }
            args[i]->index = static_cast<std::uint8_t>(at);
        }
    }
    op.operands = std::move(kept);
}

std::optional<Joined> join(const Op& first, ValueId first_value, ValueId joint, const Op& second) {
    Joined out{first.epilogue, first.operands};
    const auto result = static_cast<std::uint8_t>(first.epilogue.slots.size());
    const auto argument_for = [&](ValueId id) -> PointwiseArg {
        if (id == joint) {
            return {PointwiseArg::Kind::kVALUE, result};
        }
        if (id == first_value) {
            return {PointwiseArg::Kind::kVALUE, 0};
        }
        auto it = std::find(out.operands.begin(), out.operands.end(), id);
        if (it == out.operands.end()) {
            it = out.operands.insert(out.operands.end(), id);
        }
        return {PointwiseArg::Kind::kOPERAND, static_cast<std::uint8_t>(it - out.operands.begin())};
    };
    const auto moved = [&](const PointwiseArg& arg) -> PointwiseArg {
        switch (arg.kind) {
        case PointwiseArg::Kind::kVALUE:
            return arg.index == 0 ? argument_for(second.inputs[0])
                                  : PointwiseArg{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(arg.index + result)};
        case PointwiseArg::Kind::kOPERAND: return argument_for(second.operands[arg.index]);
        case PointwiseArg::Kind::kIMMEDIATE: break;
        }
        return arg;
    };
    if (second.epilogue.empty() && second.inputs[0] != joint) {
        return std::nullopt;
    }
    for (const PointwiseSlot& slot : second.epilogue.slots) {
        const int arity = kernels::arity(slot.op);
        PointwiseSlot next = slot;
        next.a = moved(slot.a);
        next.b = arity > 1 ? moved(slot.b) : PointwiseArg{};
        next.c = arity > 2 ? moved(slot.c) : PointwiseArg{};
        out.program.slots.push_back(next);
    }
    if (out.program.slots.size() > PointwiseProgram::kMaxSlots || out.operands.size() > PointwiseProgram::kMaxOperands) {
        return std::nullopt;
    }
    return out;
}

namespace {

//! One sweep; true when something changed. A value that two ops read joins them only after these two have become one.
bool fuse_pointwise_once(Ir& ir) {
    Uses uses(ir);
    std::vector<bool> dead(ir.ops.size(), false);
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        const Op& first = ir.ops[i];
        if (!is_pointwise(first) || dead[i]) {
            continue;
        }
        const ValueId joint = first.outputs[0];
        const auto& consumers = uses.consumers[static_cast<std::size_t>(joint)];
        if (consumers.empty() || !only_used_by(ir, uses, joint, consumers[0])) {
            continue;
        }
        const std::size_t next = consumers[0];
        Op& second = ir.ops[next];
        const bool same_shape = is_pointwise(second) && ir.same_dims(ir.value(joint), ir.value(second.outputs[0]));
        // Only kernels that store 8-bit integers know how to quantize: a program that ends in floats must not do so on its way.
        const bool quantizes_on_the_way = quantizes(first) && !is_byte(ir.value(second.outputs[0]).dtype);
        if (!same_shape || quantizes_on_the_way || !all_fit_float(ir, first) || !all_fit_float(ir, second) || stays_in_memory(ir, uses, first)) {
            continue;
        }
        auto joined = join(first, first.inputs[0], joint, second);
        if (!joined) {
            continue;
        }
        uses.forget_reads(first, i);
        uses.forget_reads(second, next);
        second.name = joined_name(first.name, second.name);
        ir.value(second.outputs[0]).pinned |= ir.value(joint).pinned;
        second.inputs = first.inputs;
        second.epilogue = std::move(joined->program);
        second.operands = std::move(joined->operands);
        dead[i] = true;
        uses.note_reads(second, next); // indices stay valid: nothing was erased yet
    }
    const bool changed = std::find(dead.begin(), dead.end(), true) != dead.end();
    erase_ops(ir, dead);
    sort_topologically(ir);
    return changed;
}

} // namespace

void fuse_pointwise(Ir& ir) {
    while (fuse_pointwise_once(ir)) {
    }
}

void inline_scalars(Ir& ir) {
    for (Op& op : ir.ops) {
        if (is_pointwise(op)) {
            put_scalar_second(ir, op);
        }
        if (!is_pointwise(op) || !all_fit_float(ir, op) || !ir.same_dims(ir.value(op.inputs[0]), ir.value(op.outputs[0]))) {
            continue;
        }
        for (PointwiseSlot& slot : op.epilogue.slots) {
            PointwiseArg* const args[] = {&slot.a, &slot.b, &slot.c};
            const auto arity = static_cast<std::size_t>(kernels::arity(slot.op));
            const auto is_immediate = [](const PointwiseArg* arg) { return arg->kind == PointwiseArg::Kind::kIMMEDIATE; };
            for (std::size_t i = 0; i < arity; ++i) {
                const bool operand = args[i]->kind == PointwiseArg::Kind::kOPERAND;
                if (!operand || std::any_of(args, args + arity, is_immediate)) {
                    continue;
                }
                const auto constant = ir.value(op.operands[args[i]->index]).constant;
                if (constant && constant->volume() == 1) {
                    *args[i] = {PointwiseArg::Kind::kIMMEDIATE, 0};
                    slot.immediate = static_cast<float>(constant->get(0));
                }
            }
        }
        prune_operands(op);
    }
}

namespace {

//! Axis along which an epilogue's per-channel operand varies.
std::size_t channel_axis(const Ir& ir, const Op& producer) {
    return std::holds_alternative<tactics::Convolution>(producer.kind) ? 1 : ir.value(producer.outputs[0]).dims.size() - 1;
}

//! An epilogue reads an operand of the output's own shape, one per channel, or a single one.
bool epilogue_can_read(const Ir& ir, const Op& producer, ValueId operand) {
    const Value& out = ir.value(producer.outputs[0]);
    const Value& value = ir.value(operand);
    if (ir.same_dims(out, value)) {
        return !value.constant; // a constant of full size would have to be laid out like the output
    }
    if (value.dims.size() > out.dims.size()) {
        return false;
    }
    const std::size_t shift = out.dims.size() - value.dims.size();
    for (std::size_t axis = 0; axis < value.dims.size(); ++axis) {
        const bool one = ir.exprs.is(value.dims[axis], 1);
        const bool channel = axis + shift == channel_axis(ir, producer) && value.dims[axis] == out.dims[axis + shift];
        if (!one && !channel) {
            return false;
        }
    }
    return true;
}

//! Sums of integers become floats in front of an epilogue's program, which is what reading them from memory does.
bool casts_sums(const Ir& ir, const Op& producer, const Op& consumer) {
    const auto floats = [&](ValueId id) { return is_floating(ir.value(id).dtype); };
    return is_quantized_product(ir, producer) && producer.epilogue.empty() && consumer.inputs == producer.outputs &&
           std::ranges::all_of(consumer.operands, floats) && std::ranges::all_of(consumer.outputs, floats);
}

//! What an epilogue may read: products of integers take 8 bits as well.
bool reads_type(const Ir& ir, const Op& producer, ValueId id) {
    const DataType type = ir.value(id).dtype;
    return is_floating(type) || (is_byte(type) && is_quantized_product(ir, producer));
}

//! Transposed convolutions on the host finish their phases' positions one by one, whatever they store. Others run where that costs more than it saves.
bool quantizes_floats(const Ir& ir, const Op& producer) {
    const auto* convolution = std::get_if<tactics::Convolution>(&producer.kind);
    const auto is_float = [&](ValueId id) { return ir.value(id).dtype == DataType::kFLOAT; };
    return ir.target.host_tiles && ir.target.internal == DataType::kFLOAT && convolution != nullptr && convolution->transposed && std::ranges::all_of(producer.inputs, is_float);
}

//! What it may store: only kernels that store 8-bit integers know how to quantize.
bool stores_type(const Ir& ir, const Op& producer, const Op& consumer) {
    const DataType type = ir.value(consumer.outputs[0]).dtype;
    const bool bytes = is_quantized_product(ir, producer) || (quantizes(consumer) && quantizes_floats(ir, producer));
    return is_floating(type) ? !quantizes(consumer) || is_quantized_product(ir, producer) : is_byte(type) && bytes;
}

} // namespace

void fuse_epilogues(Ir& ir) {
    // The last producer first: of two convolutions that are added, the later one takes the sum and the earlier one is its residual.
    Uses uses(ir);
    std::vector<bool> dead(ir.ops.size(), false);
    for (std::size_t i = ir.ops.size(); i-- > 0;) {
        Op& producer = ir.ops[i];
        if (!is_product(producer) || dead[i]) {
            continue;
        }
        const ValueId joint = producer.outputs[0];
        const auto consumers = uses.consumers[static_cast<std::size_t>(joint)];
        if (consumers.empty() || dead[consumers[0]] || !only_used_by(ir, uses, joint, consumers[0])) {
            continue;
        }
        Op& consumer = ir.ops[consumers[0]];
        if (!is_pointwise(consumer) || !(all_fit_float(ir, consumer) || casts_sums(ir, producer, consumer)) || !stores_type(ir, producer, consumer) ||
            !ir.same_dims(ir.value(joint), ir.value(consumer.outputs[0]))) {
            continue;
        }
        auto joined = join(producer, -1, joint, consumer);
        if (!joined || !std::all_of(joined->operands.begin(), joined->operands.end(),
                                    [&](ValueId id) { return reads_type(ir, producer, id) && epilogue_can_read(ir, producer, id); })) {
            continue;
        }
        producer.name = joined_name(producer.name, consumer.name);
        ir.value(consumer.outputs[0]).pinned |= ir.value(joint).pinned;
        producer.epilogue = std::move(joined->program);
        producer.operands = std::move(joined->operands);
        producer.outputs = consumer.outputs;
        dead[consumers[0]] = true;
        for (auto& list : uses.consumers) { // the consumer's reads are the producer's now
            std::replace(list.begin(), list.end(), consumers[0], i);
        }
        uses.consumers[static_cast<std::size_t>(joint)].clear();
    }
    erase_ops(ir, dead);
    sort_topologically(ir);
}

} // namespace tensorvk::compiler
