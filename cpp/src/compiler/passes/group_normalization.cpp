// Group normalisation as layers and exporters have it: a reshape of [N, C, ...] to [N, groups, ...], the normalisation of these, a reshape back, then
// scale and shift of the channels. Without the reshapes it can stay in the layout of the convolutions around it.
#include "compiler/passes/group_normalization.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::PointwiseSlot;

class Groups {
public:
    explicit Groups(Ir& ir) : ir_(ir), uses_(ir), dead_(ir.ops.size(), false) {}

    void run() {
        for (std::size_t i = 0; i < ir_.ops.size(); ++i) {
            if (!normalizes(ir_.ops[i])) continue;
            drop_neutral(ir_.ops[i]);
            skip_reshapes(i);
            if (kind(ir_.ops[i]).groups > 0) {
                while (take_next(i)) {
                }
            }
        }
        erase_ops(ir_, dead_);
        sort_topologically(ir_);
    }

private:
    static bool normalizes(const Op& op) { return op.role == Role::kCOMPUTE && std::holds_alternative<tactics::Normalization>(op.kind); }
    static tactics::Normalization& kind(Op& op) { return std::get<tactics::Normalization>(op.kind); }

    bool is_filled(ValueId id, double number) const {
        const auto& constant = ir_.value(id).constant;
        if (!constant || constant->dtype != DataType::kFLOAT) return false;
        return std::ranges::all_of(constant->as<float>(), [&](float each) { return static_cast<double>(each) == number; });
    }

    //! The scale of one and the shift of zero that exporters give an InstanceNormalization which stands for groups.
    void drop_neutral(Op& op) {
        auto& slots = op.epilogue.slots;
        const auto neutral = [&](const PointwiseSlot& slot) {
            const bool on_value = slot.a == PointwiseArg{PointwiseArg::Kind::kVALUE, 0};
            if (!on_value || slot.b.kind == PointwiseArg::Kind::kVALUE || (slot.op != PointwiseOp::kMUL && slot.op != PointwiseOp::kADD)) return false;
            const double number = slot.op == PointwiseOp::kMUL ? 1.0 : 0.0;
            return slot.b.kind == PointwiseArg::Kind::kIMMEDIATE ? static_cast<double>(slot.immediate) == number : is_filled(op.operands[slot.b.index], number);
        };
        while (!slots.empty() && neutral(slots.front())) {
            slots.erase(slots.begin());
            for (PointwiseSlot& slot : slots) { // what was the first result is the value now
                for (PointwiseArg* arg : {&slot.a, &slot.b, &slot.c}) {
                    if (arg->kind == PointwiseArg::Kind::kVALUE && arg->index > 0) --arg->index;
                }
            }
        }
        prune_operands(op);
    }

    //! The reshape that alone reads a value of the network's inside, or alone writes it.
    std::optional<std::size_t> reshape_behind(ValueId id) const {
        const auto& readers = uses_.consumers[static_cast<std::size_t>(id)];
        const bool one = readers.size() == 1 && !ir_.value(id).is_output && ir_.ops[readers[0]].role == Role::kRESHAPE && !dead_[readers[0]];
        return one ? std::optional(readers[0]) : std::nullopt;
    }
    std::optional<std::size_t> reshape_before(ValueId id) const {
        const auto& writers = uses_.producers[static_cast<std::size_t>(id)];
        return writers.size() == 1 && ir_.ops[writers[0]].role == Role::kRESHAPE && !dead_[writers[0]] ? std::optional(writers[0]) : std::nullopt;
    }

    //! Into how many groups a normalisation of [N, groups, ...] cuts `channels` of the same N pictures; 0: into none.
    std::int64_t groups_of(Op& op, const shape::Exprs& whole) const {
        const shape::Exprs& cut = ir_.value(op.inputs[0]).dims;
        if (whole.size() < 3 || cut.size() < 3 || cut[0] != whole[0]) return 0;
        const bool rows = kind(op).groups == 0; // of the last axis
        if (rows && cut.size() != 3) return 0;
        const std::int64_t groups = rows ? ir_.exprs.value(cut[1]).value_or(0) : kind(op).groups;
        const std::int64_t channels = ir_.exprs.value(whole[1]).value_or(0);
        return groups > 0 && channels % groups == 0 && channels > 0 ? groups : 0;
    }

    void skip_reshapes(std::size_t index) {
        Op& op = ir_.ops[index];
        const auto before = reshape_before(op.inputs[0]), behind = reshape_behind(op.outputs[0]);
        if (!before || !behind) return;
        const ValueId x = ir_.ops[*before].inputs[0], y = ir_.ops[*behind].outputs[0];
        const shape::Exprs& whole = ir_.value(x).dims;
        const std::int64_t groups = groups_of(op, whole);
        const auto number = [&](ValueId id) { return ir_.value(id).dims.size() <= whole.size() && std::ranges::all_of(ir_.value(id).dims, [&](shape::Expr e) { return ir_.exprs.is(e, 1); }); };
        if (groups == 0 || ir_.value(y).dims != whole || !std::ranges::all_of(op.operands, number)) return;
        uses_.forget_reads(op, index);
        kind(op).groups = groups;
        op.inputs = {x};
        ir_.value(y).pinned |= ir_.value(op.outputs[0]).pinned;
        op.outputs = {y};
        dead_[*behind] = true;
        uses_.note_reads(op, index);
    }

    //! The pointwise operation that alone reads its result.
    bool take_next(std::size_t index) {
        Op& op = ir_.ops[index];
        const ValueId joint = op.outputs[0];
        const auto& readers = uses_.consumers[static_cast<std::size_t>(joint)];
        if (readers.empty() || dead_[readers[0]] || !only_used_by(ir_, uses_, joint, readers[0])) return false;
        const std::size_t next = readers[0];
        Op& second = ir_.ops[next];
        const Value& out = ir_.value(second.result());
        if (!is_pointwise(second) || quantizes(second) || !all_fit_float(ir_, second) || !is_floating(out.dtype) || out.dims != ir_.value(joint).dims) return false;
        auto joined = join(op, -1, joint, second);
        // A constant of full size would have to be laid out like the output.
        const auto readable = [&](ValueId id) { return extends_along(ir_, id, out.dims, 1) && (ir_.value(id).dims != out.dims || !ir_.value(id).constant); };
        if (!joined || !std::ranges::all_of(joined->operands, readable)) return false;
        uses_.forget_reads(op, index);
        uses_.forget_reads(second, next);
        op.name = joined_name(op.name, second.name);
        ir_.value(second.outputs[0]).pinned |= ir_.value(joint).pinned;
        op.epilogue = std::move(joined->program);
        op.operands = std::move(joined->operands);
        op.outputs = second.outputs;
        dead_[next] = true;
        uses_.note_reads(op, index);
        return true;
    }

    Ir& ir_;
    Uses uses_;
    std::vector<bool> dead_;
};

} // namespace

bool extends_along(const Ir& ir, ValueId id, const shape::Exprs& out, std::size_t axis) {
    const Value& value = ir.value(id);
    if (!is_floating(value.dtype) || value.dims.size() > out.size()) return false;
    if (value.dims == out) return true;
    const std::size_t shift = out.size() - value.dims.size();
    for (std::size_t i = 0; i < value.dims.size(); ++i) {
        if (!ir.exprs.is(value.dims[i], 1) && (i + shift != axis || value.dims[i] != out[axis])) return false;
    }
    return true;
}

void widen_groups(Ir& ir) { Groups(ir).run(); }

} // namespace tensorvk::compiler
