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

//! Bytes that are made of a product's result: its epilogue will store them.
bool quantizes_product(const Ir& ir, const Uses& uses, const Op& op) {
    const auto from_product = [&](ValueId id) {
        return std::ranges::any_of(uses.producers[static_cast<std::size_t>(id)], [&](std::size_t p) { return is_product(ir.ops[p]); });
    };
    return is_pointwise(op) && is_byte(ir.value(op.outputs[0]).dtype) && (std::ranges::any_of(op.inputs, from_product) || std::ranges::any_of(op.operands, from_product));
}

//! A product that quantizes its own result stores 8 bits instead of 32: what comes behind does not draw that apart, unless it ends in 8 bits as well and has
//! no other product's bytes to read, of which one would have to stay in memory as floats.
bool stays_in_memory(const Ir& ir, const Uses& uses, const Op& first, std::size_t next) {
    if (!quantizes_product(ir, uses, first)) return false;
    const Op& second = ir.ops[next];
    const auto other_product = [&](ValueId id) {
        if (id == first.outputs[0] || !only_used_by(ir, uses, id, next)) return false;
        return std::ranges::any_of(uses.producers[static_cast<std::size_t>(id)], [&](std::size_t p) { return quantizes_product(ir, uses, ir.ops[p]); });
    };
    return !is_byte(ir.value(second.outputs[0]).dtype) || std::ranges::any_of(second.inputs, other_product) || std::ranges::any_of(second.operands, other_product);
}

//! Whether the products that `first` reads can still take what has become of it into their epilogues.
bool fits_into_products(const Ir& ir, const Uses& uses, const Op& first, const Joined& joined) {
    const auto fits = [&](ValueId id) {
        return std::ranges::all_of(uses.producers[static_cast<std::size_t>(id)], [&](std::size_t p) {
            const Op& op = ir.ops[p];
            return !is_product(op) || (op.epilogue.slots.size() + joined.program.slots.size() <= PointwiseProgram::kMaxSlots &&
                                       op.operands.size() + joined.operands.size() <= PointwiseProgram::kMaxOperands &&
                                       std::ranges::all_of(joined.operands, [&](ValueId operand) { return operand == id || epilogue_reads(ir, op, operand); }));
        });
    };
    return std::ranges::all_of(first.inputs, fits) && std::ranges::all_of(first.operands, fits);
}

} // namespace

bool quantizes(const Op& op) {
    return std::ranges::any_of(op.epilogue.slots, [](const PointwiseSlot& slot) { return slot.op == kernels::PointwiseOp::kQUANTIZE; });
}

bool all_fit_float(const Ir& ir, const Op& op) {
    const auto fits = [&](ValueId id) { return fits_float(ir.value(id)); };
    const auto fits_or_byte = [&](ValueId id) { return fits(id) || is_byte(ir.value(id).dtype); };
    const bool in_float = quantizes(op) || std::ranges::all_of(op.outputs, fits);
    return in_float && std::ranges::all_of(op.inputs, fits_or_byte) && std::ranges::all_of(op.operands, fits_or_byte) &&
           std::ranges::all_of(op.outputs, fits_or_byte);
}

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
        if (!same_shape || quantizes_on_the_way || !all_fit_float(ir, first) || !all_fit_float(ir, second) || stays_in_memory(ir, uses, first, next)) {
            continue;
        }
        auto joined = join(first, first.inputs[0], joint, second);
        if (!joined || (quantizes_product(ir, uses, first) && !fits_into_products(ir, uses, first, *joined))) {
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

//! To another type of float, and nothing else.
bool is_cast(const Ir& ir, const Op& op) {
    const auto rounds = [](const PointwiseSlot& slot) { return slot.op == kernels::PointwiseOp::kROUND_HALF; };
    if (!is_pointwise(op) || !std::ranges::all_of(op.epilogue.slots, rounds)) return false;
    const Value &from = ir.value(op.inputs[0]), &to = ir.value(op.outputs[0]);
    return is_floating(from.dtype) && is_floating(to.dtype) && ir.same_dims(from, to);
}

//! A softmax of float32 between casts from and to float16 is one of float16: its sums are float32 anyway, and attention is found in it.
void narrow_softmaxes(Ir& ir) {
    const Uses uses(ir);
    std::vector<bool> dead(ir.ops.size(), false);
    for (Op& op : ir.ops) {
        if (op.role != Role::kCOMPUTE || !std::holds_alternative<tactics::SoftMax>(op.kind)) continue;
        const auto& before = uses.producers[static_cast<std::size_t>(op.inputs[0])];
        const auto& behind = uses.consumers[static_cast<std::size_t>(op.outputs[0])];
        if (before.size() != 1 || behind.size() != 1 || ir.value(op.outputs[0]).is_output) continue;
        if (!is_cast(ir, ir.ops[before[0]]) || !is_cast(ir, ir.ops[behind[0]])) continue;
        const ValueId from = ir.ops[before[0]].inputs[0], to = ir.ops[behind[0]].outputs[0];
        if (!is_short_float(ir.value(from).dtype) || ir.value(from).dtype != ir.value(to).dtype) continue;
        op.inputs[0] = from;
        op.outputs[0] = to;
        dead[behind[0]] = true;
        dead[before[0]] = only_used_by(ir, uses, ir.ops[before[0]].outputs[0], static_cast<std::size_t>(&op - ir.ops.data()));
    }
    erase_ops(ir, dead);
}

//! Casts to float32 go where all that read them convert on their own: what is cast stays the product's that may have made it.
void read_short_floats(Ir& ir) {
    const Uses uses(ir);
    std::vector<bool> dead(ir.ops.size(), false);
    const auto converts = [&](std::size_t i) { return is_pointwise(ir.ops[i]) || std::holds_alternative<tactics::Reduce>(ir.ops[i].kind); };
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        const Op& cast = ir.ops[i];
        const ValueId from = cast.inputs.empty() ? -1 : cast.inputs[0], to = cast.result();
        if (!is_cast(ir, cast) || !is_short_float(ir.value(from).dtype) || ir.value(to).dtype != DataType::kFLOAT || ir.value(to).is_output) continue;
        const auto& readers = uses.consumers[static_cast<std::size_t>(to)];
        if (!std::ranges::all_of(readers, converts)) continue;
        for (const std::size_t reader : readers) {
            std::ranges::replace(ir.ops[reader].inputs, to, from);
            std::ranges::replace(ir.ops[reader].operands, to, from);
        }
        dead[i] = true;
    }
    erase_ops(ir, dead);
}

} // namespace

void fuse_pointwise(Ir& ir) {
    if (ir.target.typed) {
        narrow_softmaxes(ir);
        read_short_floats(ir);
    }
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

} // namespace tensorvk::compiler
