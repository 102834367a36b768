// Attention (Vaswani et al., 2017), which networks spell out: product with the keys, scale, mask, softmax, product with the values, and the transposes that
// bring heads in front of rows and back, which the kernels do with strides. Heads of q that share those of k and v are an axis of their own in the products, or
// copies of k and v.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "compiler/passes/attention_scores.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using tactics::Attention;

enum Axis : std::size_t { kBatch, kHead, kShare, kRow, kColumn };

//! A value by the places of its axes: batch, head, which of those that share keys (-1: not apart from the heads), row and column.
struct Placed {
    ValueId id = -1;
    std::array<std::int32_t, 5> axes{};
    float scale = 1.0f; // of the numbers
};

class Attentions {
public:
    explicit Attentions(Ir& ir) : ir_(ir), uses_(ir), dead_(ir.ops.size(), false) {}

    void run() {
        const std::size_t count = ir_.ops.size(); // reshapes come behind and are sorted in
        for (std::size_t i = 0; i < count; ++i) {
            if (ir_.ops[i].role == Role::kCOMPUTE && std::holds_alternative<tactics::SoftMax>(ir_.ops[i].kind)) fuse(i);
        }
        dead_.resize(ir_.ops.size(), false);
        erase_ops(ir_, dead_);
        sort_topologically(ir_);
        remove_dead(ir_); // what nobody reads any more
    }

private:
    [[nodiscard]] const shape::Exprs& dims(ValueId id) const { return ir_.value(id).dims; }

    //! A copy of all elements that changes the order of axes alone, but for `repeated`, which may be one element again and again.
    const tactics::Copy* transpose(const Op& op, std::int32_t repeated = -1) const {
        const auto* copy = std::get_if<tactics::Copy>(&op.kind);
        if (copy == nullptr || op.role != Role::kCOMPUTE || copy->destination_axis >= 0 || copy->axis_of.size() != copy->start.size()) return nullptr;
        const shape::Exprs &from = dims(op.inputs[0]), &to = dims(op.outputs[0]);
        for (std::size_t axis = 0; axis < to.size(); ++axis) {
            const std::int32_t source = copy->axis_of[axis];
            if (static_cast<std::int32_t>(axis) == repeated && source == repeated && ir_.exprs.is(from[axis], 1)) continue;
            const bool moved = source >= 0 && std::ranges::count(copy->axis_of, source) == 1 && ir_.exprs.is(copy->stride[axis], 1) &&
                               ir_.exprs.is(copy->start[static_cast<std::size_t>(source)], 0) && from[static_cast<std::size_t>(source)] == to[axis];
            if (!moved) return nullptr;
        }
        return ir_.value(op.inputs[0]).dtype == ir_.value(op.outputs[0]).dtype ? copy : nullptr;
    }

    //! The op that alone writes a value whose layer may be computed in any type.
    const Op* producer(ValueId id) const {
        const auto& all = uses_.producers[static_cast<std::size_t>(id)];
        return all.size() == 1 && !dead_[all[0]] && !ir_.value(id).pinned ? &ir_.ops[all[0]] : nullptr;
    }

    //! Dimensions with one of them less, which is that in front of it several times.
    shape::Exprs merged(const shape::Exprs& given, std::int32_t axis) {
        shape::Exprs out = given;
        out[static_cast<std::size_t>(axis) - 1] = ir_.exprs.mul(given[static_cast<std::size_t>(axis) - 1], given[static_cast<std::size_t>(axis)]);
        out.erase(out.begin() + axis);
        return out;
    }
    static void without_share(Placed& value) {
        const std::int32_t share = std::exchange(value.axes[kShare], -1);
        for (std::int32_t& axis : value.axes) axis -= axis > share ? 1 : 0;
    }
    static bool shares_behind_heads(const Placed& value) { return value.axes[kShare] >= 0 && value.axes[kShare] == value.axes[kHead] + 1; }

    //! Whether `value` is a reshape of what has no axis for those that share keys.
    bool cut_apart(const Placed& value, const Op& op) {
        return op.role == Role::kRESHAPE && shares_behind_heads(value) && dims(op.inputs[0]) == merged(dims(value.id), value.axes[kShare]);
    }

    //! Whether it is a reshape of what has one, which copies of keys and values come from.
    bool joins_copies(const Placed& value, const Op& op) {
        if (op.role != Role::kRESHAPE || value.axes[kShare] >= 0 || value.axes[kHead] < 0 || dims(op.inputs[0]).size() != dims(value.id).size() + 1) return false;
        return dims(value.id) == merged(dims(op.inputs[0]), value.axes[kHead] + 1);
    }
    static void with_share(Placed& value) {
        const std::int32_t share = value.axes[kHead] + 1;
        for (std::int32_t& axis : value.axes) axis += axis >= share ? 1 : 0;
        value.axes[kShare] = share;
    }

    //! x times a number.
    std::optional<float> factor(const Op& op) const {
        if (!is_pointwise(op) || op.epilogue.slots.size() != 1 || dims(op.inputs[0]) != dims(op.outputs[0]) || ir_.value(op.inputs[0]).dtype != ir_.value(op.outputs[0]).dtype) return std::nullopt;
        const auto& slot = op.epilogue.slots[0];
        const bool scales = (slot.op == PointwiseOp::kMUL || slot.op == PointwiseOp::kDIV) && slot.a == PointwiseArg{} && slot.b.kind == PointwiseArg::Kind::kIMMEDIATE;
        return scales ? std::optional(slot.op == PointwiseOp::kMUL ? slot.immediate : 1.0f / slot.immediate) : std::nullopt;
    }

    //! In front of transposes, of a factor, and of what brings heads to the number of q's: the farthest that kernels can read. `scales`: a factor may go elsewhere.
    Placed source_of(Placed value, bool scales) {
        Placed best = value;
        for (const Op* op = producer(value.id); op != nullptr; op = producer(value.id)) {
            const auto by = scales ? factor(*op) : std::nullopt;
            if (const auto* copy = transpose(*op, value.axes[kShare])) {
                for (std::int32_t& axis : value.axes) axis = axis < 0 ? axis : copy->axis_of[static_cast<std::size_t>(axis)];
            } else if (by) {
                value.scale *= *by;
            } else if (cut_apart(value, *op)) {
                without_share(value);
            } else if (joins_copies(value, *op)) {
                with_share(value);
            } else {
                break;
            }
            value.id = op->inputs[0];
            if (can_be_read(value)) best = value;
        }
        return best;
    }

    //! Behind transposes, and what joins the heads, where that is all that reads it. `passed`: these.
    Placed target_of(Placed value, std::vector<std::size_t>& passed) {
        for (;;) {
            const auto& readers = uses_.consumers[static_cast<std::size_t>(value.id)];
            if (readers.size() != 1 || ir_.value(value.id).is_output) return value;
            const Op& op = ir_.ops[readers[0]];
            if (ir_.value(op.result()).pinned) return value;
            Placed next = value;
            next.id = op.result();
            if (const auto* copy = transpose(op)) {
                for (std::int32_t& axis : next.axes) axis = axis < 0 ? axis : static_cast<std::int32_t>(std::ranges::find(copy->axis_of, axis) - copy->axis_of.begin());
            } else if (op.role == Role::kRESHAPE && shares_behind_heads(value) && dims(next.id) == merged(dims(value.id), value.axes[kShare])) {
                without_share(next);
            } else {
                return value;
            }
            if (!can_be_read(next)) return value;
            value = next;
            passed.push_back(readers[0]);
        }
    }

    //! Axes of a factor [batch, head, row, column], [batch, head, share, row, column], or [batch, row, column]; rows and columns swapped where it is stored so.
    static std::array<std::int32_t, 5> plain_axes(std::size_t rank, bool swapped) {
        const auto row = static_cast<std::int32_t>(rank) - (swapped ? 1 : 2), column = static_cast<std::int32_t>(rank) - (swapped ? 2 : 1);
        return {0, rank > 3 ? 1 : -1, rank > 4 ? 2 : -1, row, column};
    }

    void fuse(std::size_t softmax) {
        const auto& kind = std::get<tactics::SoftMax>(ir_.ops[softmax].kind);
        const std::size_t rank = dims(ir_.ops[softmax].outputs[0]).size();
        if ((rank != 3 && rank != 4) || kind.log || kind.axis != static_cast<std::int64_t>(rank) - 1) return;
        auto scores = read_scores(ir_, uses_, softmax);
        if (!scores) return;
        const Op first = ir_.ops[scores->first], second = ir_.ops[scores->last];
        const std::size_t factors_rank = dims(second.outputs[0]).size();
        if (factors_rank != rank && !(rank == 4 && factors_rank == 5)) return;
        const bool keys_in_rows = std::get<tactics::MatrixProduct>(first.kind).transpose_b, values_turned = std::get<tactics::MatrixProduct>(second.kind).transpose_b;
        const std::array<std::pair<ValueId, bool>, 3> inputs{{{first.inputs[0], false}, {first.inputs[1], !keys_in_rows}, {second.inputs[1], values_turned}}};
        std::array<Placed, 4> all;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const auto& [id, swapped] = inputs[i];
            if (dims(id).size() != factors_rank || dims(id)[0] != dims(second.outputs[0])[0]) return;
            all[i] = source_of({id, plain_axes(factors_rank, swapped)}, i < 2);
            scores->scale *= all[i].scale;
        }
        std::vector<std::size_t> passed;
        all[3] = target_of({second.outputs[0], plain_axes(factors_rank, false)}, passed);
        const auto group = group_of(all);
        if (!std::ranges::all_of(all, [&](const Placed& p) { return ir_.one_type(p.id, all[0].id); })) return;
        if (!group || too_long(all[1]) || too_long(all[2]) || !std::ranges::all_of(all, [&](const Placed& p) { return can_be_read(p); })) return;
        for (const std::size_t op : passed) dead_[op] = true;
        replace(*scores, all, *group);
    }

    //! Heads of q for each of k; both are as many as their products take. Nothing where that is not known.
    std::optional<std::int32_t> group_of(const std::array<Placed, 4>& all) {
        std::array<std::int64_t, 4> heads{};
        for (std::size_t i = 0; i < all.size(); ++i) {
            shape::Expr extent = ir_.exprs.constant(1);
            for (const Axis axis : {kHead, kShare}) extent = all[i].axes[axis] < 0 ? extent : ir_.exprs.mul(extent, dims(all[i].id)[static_cast<std::size_t>(all[i].axes[axis])]);
            const auto known = ir_.exprs.value(extent);
            if (!known || *known < 1) return std::nullopt;
            heads[i] = *known;
        }
        const auto head = [&](std::size_t i) { return dims(all[i].id)[static_cast<std::size_t>(all[i].axes[kHead])]; };
        for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) { // keys broadcast along the share alone
            if (all[0].axes[kShare] >= 0 && all[i].axes[kShare] >= 0 && head(i) != head(0)) return std::nullopt;
        }
        const bool fits = heads[0] == heads[3] && heads[1] == heads[2] && heads[0] % heads[1] == 0;
        return fits ? std::optional(static_cast<std::int32_t>(heads[0] / heads[1])) : std::nullopt;
    }

    //! Numbers of the compiler's own type (constants stay float32), columns side by side, as many as the kernels take.
    bool can_be_read(const Placed& p) const {
        const Value& value = ir_.value(p.id);
        const std::int64_t columns = ir_.exprs.value(value.dims.back()).value_or(0);
        const bool together = p.axes[kShare] < 0 || shares_behind_heads(p);
        return together && is_floating(value.dtype) && !value.constant && p.axes[kColumn] == static_cast<std::int32_t>(value.dims.size()) - 1 && columns > 0 &&
               columns % ir_.target.attention.side == 0 && columns <= ir_.target.attention.most;
    }

    bool too_long(const Placed& keys) const {
        constexpr std::int64_t kFewColumns = 32; // fewer make no loop shorter
        const shape::Exprs& given = dims(keys.id);
        const std::int64_t columns = ir_.exprs.value(given.back()).value_or(1);
        return ir_.exprs.value(given[static_cast<std::size_t>(keys.axes[kRow])]).value_or(0) > ir_.target.attention.elements / std::max(columns, kFewColumns);
    }

    //! With heads as one axis. `reads`: else it is written.
    Placed joined(Placed value, bool reads) {
        if (value.axes[kShare] < 0) return value;
        const Value from = ir_.value(value.id);
        const ValueId id = ir_.add_value(from.name + " with heads joined", from.dtype, merged(from.dims, value.axes[kShare]));
        reads ? ir_.add_reshape(from.name + "/heads", value.id, id) : ir_.add_reshape(from.name + "/heads", id, value.id);
        without_share(value);
        value.id = id;
        return value;
    }

    void replace(const Scores& scores, std::array<Placed, 4> all, std::int32_t group) {
        const std::string& last = ir_.ops[scores.last].name;
        std::string name = ir_.ops[scores.first].name;
        for (auto between = scores.names.rbegin(); between != scores.names.rend(); ++between) name = *between == name ? name : joined_name(name, *between);
        if (name != last) name = joined_name(name, last);
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = joined(all[i], i < 3);
        Attention kind{.scale = scores.scale, .group = group, .softcap = scores.softcap, .causal = scores.causal, .hides = scores.hides, .hidden = scores.hidden, .zeros = scores.zeros};
        for (std::size_t i = 0; i < all.size(); ++i) kind.axes[i] = {all[i].axes[kBatch], all[i].axes[kHead], all[i].axes[kRow], all[i].axes[kColumn]};
        Op& op = ir_.ops[scores.last];
        op.name = std::move(name);
        op.kind = std::move(kind);
        op.inputs = {all[0].id, all[1].id, all[2].id};
        if (scores.mask >= 0) op.inputs.push_back(scores.mask);
        op.outputs = {all[3].id};
    }

    Ir& ir_;
    Uses uses_;
    std::vector<bool> dead_;
};

} // namespace

void fuse_attention(Ir& ir) {
    if (ir.target.attention.most > 0) Attentions(ir).run();
}

} // namespace tensorvk::compiler
