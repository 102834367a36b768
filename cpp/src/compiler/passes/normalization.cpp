// Layer normalisation (Ba et al., 2016) and its form without a mean (Zhang and Sennrich, 2019), which layers and exporters spell out in five operations;
// the same of groups of channels (Wu and He, 2018), an instance (Ulyanov et al., 2016) being a group of one.
#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "compiler/passes/group_normalization.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::PointwiseSlot;

constexpr PointwiseArg kFirstValue{PointwiseArg::Kind::kVALUE, 0};

bool is_immediate(const PointwiseArg& arg) { return arg.kind == PointwiseArg::Kind::kIMMEDIATE; }

class Normalizations {
public:
    explicit Normalizations(Ir& ir) : ir_(ir), uses_(ir), dead_(ir.ops.size(), false) {}

    void run() {
        for (std::size_t i = 0; i < ir_.ops.size(); ++i) {
            if (!is_pointwise(ir_.ops[i])) continue;
            if (const auto found = match(i)) replace(i, *found);
        }
        erase_ops(ir_, dead_);
    }

private:
    struct Found {
        ValueId x = -1;
        float epsilon = 0.0f;
        bool centred = true;
        std::size_t first_axis = 0; // of the rows' axes, which are the last
        std::int64_t groups = 0;
        ValueId deviation = -1;
        std::vector<std::size_t> ops; // that the one operation stands for, beside the last
    };

    const std::vector<std::size_t>& readers(ValueId id) const { return uses_.consumers[static_cast<std::size_t>(id)]; }

    //! The op that alone writes a value; nobody's where the network gives it away.
    std::optional<std::size_t> producer(ValueId id) const {
        const auto& producers = uses_.producers[static_cast<std::size_t>(id)];
        const bool one = producers.size() == 1 && !ir_.value(id).is_output && !ir_.value(id).pinned && !dead_[producers[0]];
        return one ? std::optional(producers[0]) : std::nullopt;
    }

    //! The first of the last axes along which it is the mean, which are kept with extent 1.
    std::optional<std::size_t> mean_from(const Op& op) const {
        const auto* reduce = std::get_if<tactics::Reduce>(&op.kind);
        if (reduce == nullptr || op.role != Role::kCOMPUTE || reduce->op != ReduceOperation::kAVG || reduce->axes == 0) return std::nullopt;
        const Value &x = ir_.value(op.inputs[0]), &y = ir_.value(op.outputs[0]);
        const auto first = static_cast<std::size_t>(std::countr_zero(reduce->axes));
        const bool last_ones = reduce->axes == ((1u << x.dims.size()) - 1u) >> first << first;
        return is_floating(x.dtype) && y.dims.size() == x.dims.size() && last_ones ? std::optional(first) : std::nullopt;
    }

    //! program: (v0 op operand 0), and nothing else.
    static bool is_single(const Op& op, PointwiseOp what) {
        const auto& slots = op.epilogue.slots;
        return is_pointwise(op) && slots.size() == 1 && slots[0].op == what && slots[0].a == kFirstValue;
    }

    static bool is_square(const Op& op) {
        if (!is_pointwise(op) || op.epilogue.slots.size() != 1) return false;
        if (is_single(op, PointwiseOp::kPOW)) return op.operands.empty() && is_immediate(op.epilogue.slots[0].b) && op.epilogue.slots[0].immediate == 2.0f;
        const bool itself = op.operands == op.inputs || (op.operands.empty() && op.epilogue.slots[0].b == kFirstValue);
        return is_single(op, PointwiseOp::kMUL) && itself;
    }

    //! sqrt(v0 + epsilon): the epsilon, and whether the reciprocal follows.
    static std::optional<std::pair<float, bool>> deviation(const Op& op) {
        const auto& slots = op.epilogue.slots;
        if (!is_pointwise(op) || !op.operands.empty() || slots.size() < 2 || slots.size() > 3) return std::nullopt;
        const bool sum = slots[0].op == PointwiseOp::kADD && slots[0].a == kFirstValue && is_immediate(slots[0].b);
        const bool root = slots[1].op == PointwiseOp::kSQRT && slots[1].a == PointwiseArg{PointwiseArg::Kind::kVALUE, 1};
        const bool inverse = slots.size() == 3;
        if (!sum || !root || (inverse && slots[2].op != PointwiseOp::kRECIP)) return std::nullopt;
        return std::pair{slots[0].immediate, inverse};
    }

    //! The operand by which a program first divides its value (multiplies it with, where that is inverted), if it reads both nowhere else.
    static std::optional<std::size_t> divisor(const Op& op, bool inverse) {
        const auto& slots = op.epilogue.slots;
        if (slots.empty() || slots[0].op != (inverse ? PointwiseOp::kMUL : PointwiseOp::kDIV)) return std::nullopt;
        const bool plain = slots[0].a == kFirstValue && slots[0].b.kind == PointwiseArg::Kind::kOPERAND;
        const bool turned = inverse && slots[0].b == kFirstValue && slots[0].a.kind == PointwiseArg::Kind::kOPERAND;
        if (!plain && !turned) return std::nullopt;
        const PointwiseArg by = plain ? slots[0].b : slots[0].a;
        for (std::size_t i = 1; i < slots.size(); ++i) {
            const PointwiseArg* const args[] = {&slots[i].a, &slots[i].b, &slots[i].c};
            for (int k = 0; k < kernels::arity(slots[i].op); ++k) {
                if (*args[k] == kFirstValue || *args[k] == by) return std::nullopt;
            }
        }
        return by.index;
    }

    std::optional<Found> match(std::size_t last) const {
        const Op& op = ir_.ops[last];
        for (const bool inverse : {false, true}) {
            const auto by = divisor(op, inverse);
            if (!by) continue;
            const auto root = producer(op.operands[*by]);
            const auto epsilon = root ? deviation(ir_.ops[*root]) : std::nullopt;
            if (!epsilon || epsilon->second != inverse || !only_used_by(ir_, uses_, op.operands[*by], last)) continue;
            if (auto found = match_variance(op.inputs[0], *root, last)) {
                found->epsilon = epsilon->first;
                found->deviation = op.operands[*by];
                if (found->first_axis + 1 == ir_.value(op.outputs[0]).dims.size() && others_can_be_read(op, found->deviation, found->first_axis)) return found;
                found->groups = groups(op, found->first_axis);
                if (found->groups > 0 && others_can_be_read(op, found->deviation, 1)) return found;
            }
        }
        return std::nullopt;
    }

    //! The mean of squares of `numbers`, which op `root` reads; `numbers` are differences from a mean themselves, or what is given.
    std::optional<Found> match_variance(ValueId numbers, std::size_t root, std::size_t last) const {
        const auto variance = producer(ir_.ops[root].inputs[0]);
        const auto first_axis = variance ? mean_from(ir_.ops[*variance]) : std::nullopt;
        if (!first_axis || !only_used_by(ir_, uses_, ir_.ops[root].inputs[0], root)) return std::nullopt;
        const auto square = producer(ir_.ops[*variance].inputs[0]);
        if (!square || !is_square(ir_.ops[*square]) || ir_.ops[*square].inputs[0] != numbers) return std::nullopt;
        if (!only_used_by(ir_, uses_, ir_.ops[*variance].inputs[0], *variance)) return std::nullopt;
        Found found{.x = numbers, .centred = false, .first_axis = *first_axis, .ops = {*square, *variance, root}};
        if (const auto centre = producer(numbers); centre && all_in(readers(numbers), {*square, last})) {
            const Op& difference = ir_.ops[*centre];
            const auto mean = is_single(difference, PointwiseOp::kSUB) && difference.operands.size() == 1 ? producer(difference.operands[0]) : std::nullopt;
            if (mean && mean_from(ir_.ops[*mean]) == first_axis && ir_.ops[*mean].inputs[0] == difference.inputs[0] && only_used_by(ir_, uses_, difference.operands[0], *centre)) {
                found.x = difference.inputs[0];
                found.centred = true;
                found.ops.insert(found.ops.end(), {*centre, *mean});
            }
        }
        return is_floating(ir_.value(found.x).dtype) ? std::optional(found) : std::nullopt;
    }

    static bool all_in(const std::vector<std::size_t>& ops, std::initializer_list<std::size_t> known) {
        return std::ranges::all_of(ops, [&](std::size_t op) { return std::ranges::count(known, op) > 0; });
    }

    //! Of the channels that are normalised alone, or together, with all that is behind them; 0: neither, or nobody knows how many.
    std::int64_t groups(const Op& op, std::size_t first_axis) const {
        const shape::Exprs& dims = ir_.value(op.outputs[0]).dims;
        if (dims.size() < 3 || first_axis < 1 || first_axis > 2) return 0;
        return first_axis == 1 ? 1 : ir_.exprs.value(dims[1]).value_or(0);
    }

    //! What kernels read beside the quotient; and not what is divided, which nobody keeps.
    bool others_can_be_read(const Op& op, ValueId deviation, std::size_t axis) const {
        const shape::Exprs& out = ir_.value(op.outputs[0]).dims;
        const auto readable = [&](ValueId id) { return id != op.inputs[0] && (id == deviation || extends_along(ir_, id, out, axis)); };
        return is_floating(ir_.value(op.outputs[0]).dtype) && ir_.value(op.inputs[0]).dims == out && std::ranges::all_of(op.operands, readable);
    }

    void replace(std::size_t last, const Found& found) {
        Op& op = ir_.ops[last];
        for (const std::size_t other : found.ops) {
            op.name = joined_name(ir_.ops[other].name, op.name);
            dead_[other] = true;
        }
        op.kind = tactics::Normalization{found.epsilon, found.centred, found.groups};
        op.inputs = {found.x};
        op.epilogue.slots.erase(op.epilogue.slots.begin());
        for (PointwiseSlot& slot : op.epilogue.slots) { // what was the first quotient is the value now
            for (PointwiseArg* arg : {&slot.a, &slot.b, &slot.c}) {
                if (arg->kind == PointwiseArg::Kind::kVALUE && arg->index > 0) --arg->index;
            }
        }
        prune_operands(op);
    }

    Ir& ir_;
    Uses uses_;
    std::vector<bool> dead_;
};

} // namespace

void fuse_normalizations(Ir& ir) {
    if (!ir.target.normalizations) return;
    Normalizations(ir).run();
    widen_groups(ir);
}

} // namespace tensorvk::compiler
