// Attention (Vaswani et al., 2017), which networks spell out: product with the keys, scale, mask, softmax, product with the values, and the transposes that
// bring heads in front of rows and back, which the kernels do with strides.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using tactics::Attention;

//! A value by the places of its batch, head, row and column axes.
struct Placed {
    ValueId id = -1;
    std::array<std::int32_t, 4> axes{};
};

class Attentions {
public:
    explicit Attentions(Ir& ir) : ir_(ir), uses_(ir), dead_(ir.ops.size(), false) {}

    void run() {
        for (std::size_t i = 0; i < ir_.ops.size(); ++i) {
            if (ir_.ops[i].role == Role::kCOMPUTE && std::holds_alternative<tactics::SoftMax>(ir_.ops[i].kind)) fuse(i);
        }
        erase_ops(ir_, dead_);
        remove_dead(ir_); // transposes that nobody reads any more
    }

private:
    struct Scores {
        std::size_t product = 0;
        std::optional<std::size_t> program{}; // between product and softmax
        float scale = 1.0f;
        ValueId mask = -1;
    };

    [[nodiscard]] const shape::Exprs& dims(ValueId id) const { return ir_.value(id).dims; }

    //! The op that alone writes a value which only op `reader` reads.
    std::optional<std::size_t> private_producer(ValueId id, std::size_t reader) const {
        const auto& producers = uses_.producers[static_cast<std::size_t>(id)];
        const bool one = producers.size() == 1 && !ir_.value(id).pinned && !dead_[producers[0]] && only_used_by(ir_, uses_, id, reader);
        return one ? std::optional(producers[0]) : std::nullopt;
    }

    //! A copy of all elements that changes the order of axes alone.
    const tactics::Copy* transpose(std::size_t index) const {
        const Op& op = ir_.ops[index];
        const auto* copy = std::get_if<tactics::Copy>(&op.kind);
        if (copy == nullptr || op.role != Role::kCOMPUTE || dead_[index] || copy->destination_axis >= 0 || copy->axis_of.size() != copy->start.size()) return nullptr;
        const shape::Exprs &from = dims(op.inputs[0]), &to = dims(op.outputs[0]);
        for (std::size_t axis = 0; axis < to.size(); ++axis) {
            const std::int32_t source = copy->axis_of[axis];
            const bool moved = source >= 0 && std::ranges::count(copy->axis_of, source) == 1 && ir_.exprs.is(copy->stride[axis], 1) &&
                               ir_.exprs.is(copy->start[static_cast<std::size_t>(source)], 0) && from[static_cast<std::size_t>(source)] == to[axis];
            if (!moved) return nullptr;
        }
        return ir_.value(op.inputs[0]).dtype == ir_.value(op.outputs[0]).dtype ? copy : nullptr;
    }

    //! In front of transposes.
    Placed source_of(Placed value) const {
        for (;;) {
            const auto& producers = uses_.producers[static_cast<std::size_t>(value.id)];
            const tactics::Copy* copy = producers.size() == 1 && !ir_.value(value.id).pinned ? transpose(producers[0]) : nullptr;
            if (copy == nullptr) return value;
            for (std::int32_t& axis : value.axes) axis = axis < 0 ? axis : copy->axis_of[static_cast<std::size_t>(axis)];
            value.id = ir_.ops[producers[0]].inputs[0];
        }
    }

    //! Behind a transpose which is all that reads it.
    Placed target_of(Placed value) {
        const auto& consumers = uses_.consumers[static_cast<std::size_t>(value.id)];
        const tactics::Copy* copy = consumers.size() == 1 && !ir_.value(value.id).is_output ? transpose(consumers[0]) : nullptr;
        if (copy == nullptr) return value;
        for (std::int32_t& axis : value.axes) {
            const auto at = std::ranges::find(copy->axis_of, axis);
            axis = axis < 0 ? axis : static_cast<std::int32_t>(at - copy->axis_of.begin());
        }
        value.id = ir_.ops[consumers[0]].outputs[0];
        dead_[consumers[0]] = true;
        return value;
    }

    //! Axes of a value [batch, head, row, column], or [batch, row, column]; rows and columns swapped where it is stored so.
    static std::array<std::int32_t, 4> plain_axes(std::size_t rank, bool swapped) {
        const auto row = static_cast<std::int32_t>(rank) - (swapped ? 1 : 2), column = static_cast<std::int32_t>(rank) - (swapped ? 2 : 1);
        return {0, rank == 4 ? 1 : -1, row, column};
    }

    //! [multiply or divide by a number] [add a mask].
    std::optional<Scores> read_program(std::size_t program) const {
        const Op& op = ir_.ops[program];
        const auto& slots = op.epilogue.slots;
        Scores out;
        out.program = program;
        std::size_t at = 0;
        PointwiseArg value{};
        if (at < slots.size() && (slots[at].op == PointwiseOp::kMUL || slots[at].op == PointwiseOp::kDIV) && slots[at].a == value && slots[at].b.kind == PointwiseArg::Kind::kIMMEDIATE) {
            out.scale = slots[at].op == PointwiseOp::kMUL ? slots[at].immediate : 1.0f / slots[at].immediate;
            value = {PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(++at)};
        }
        if (at < slots.size() && slots[at].op == PointwiseOp::kADD) {
            const PointwiseArg other = slots[at].a == value ? slots[at].b : slots[at].a;
            const bool added = (slots[at].a == value || slots[at].b == value) && other.kind == PointwiseArg::Kind::kOPERAND;
            if (!added) return std::nullopt;
            out.mask = op.operands[other.index];
            ++at;
        }
        return at == slots.size() && dims(op.inputs[0]) == dims(op.outputs[0]) ? std::optional(out) : std::nullopt;
    }

    //! What comes in front of a softmax.
    std::optional<Scores> match_scores(std::size_t softmax) const {
        const auto before = private_producer(ir_.ops[softmax].inputs[0], softmax);
        if (!before) return std::nullopt;
        std::optional<Scores> out;
        if (is_pointwise(ir_.ops[*before])) {
            out = read_program(*before);
            const auto product = out ? private_producer(ir_.ops[*before].inputs[0], *before) : std::nullopt;
            if (!product) return std::nullopt;
            out->product = *product;
        } else {
            out.emplace();
            out->product = *before;
        }
        return is_plain_product(out->product) && (out->mask < 0 || mask_fits(out->mask, dims(ir_.ops[softmax].outputs[0]))) ? out : std::nullopt;
    }

    bool is_plain_product(std::size_t index) const {
        const Op& op = ir_.ops[index];
        const auto* product = std::get_if<tactics::MatrixProduct>(&op.kind);
        return op.role == Role::kCOMPUTE && product != nullptr && !product->transpose_a && !op.has_bias && op.epilogue.empty() && !is_quantized_product(ir_, op);
    }

    bool mask_fits(ValueId mask, const shape::Exprs& scores) const {
        const shape::Exprs& given = dims(mask);
        if (!is_floating(ir_.value(mask).dtype) || given.size() > scores.size()) return false;
        for (std::size_t axis = 0; axis < given.size(); ++axis) {
            if (!ir_.exprs.is(given[axis], 1) && given[axis] != scores[axis + scores.size() - given.size()]) return false;
        }
        return true;
    }

    void fuse(std::size_t softmax) {
        const Op& op = ir_.ops[softmax];
        const auto& kind = std::get<tactics::SoftMax>(op.kind);
        const std::size_t rank = dims(op.outputs[0]).size();
        const auto& readers = uses_.consumers[static_cast<std::size_t>(op.outputs[0])];
        if ((rank != 3 && rank != 4) || kind.log || kind.axis != static_cast<std::int64_t>(rank) - 1 || readers.size() != 1 || ir_.value(op.outputs[0]).is_output ||
            ir_.value(op.outputs[0]).pinned || ir_.value(ir_.ops[readers[0]].outputs[0]).pinned || !is_plain_product(readers[0]) || ir_.ops[readers[0]].inputs[0] != op.outputs[0]) {
            return;
        }
        const auto scores = match_scores(softmax);
        const std::size_t last = readers[0];
        if (!scores) return;
        const Op &first = ir_.ops[scores->product], &second = ir_.ops[last];
        const bool keys_in_rows = std::get<tactics::MatrixProduct>(first.kind).transpose_b, values_turned = std::get<tactics::MatrixProduct>(second.kind).transpose_b;
        const auto place = [&](ValueId id, bool swapped) { return source_of({id, plain_axes(rank, swapped)}); };
        if (!same_heads(first, second, rank)) return;
        const std::array<Placed, 3> factors{place(first.inputs[0], false), place(first.inputs[1], !keys_in_rows), place(second.inputs[1], values_turned)};
        const Placed plain{second.outputs[0], plain_axes(rank, false)};
        if (!std::ranges::all_of(factors, [&](const Placed& p) { return can_be_read(p); }) || !can_be_read(plain)) return;
        const Placed moved = target_of(plain);
        replace(softmax, last, *scores, factors, can_be_read(moved) ? moved : undo(plain));
    }

    //! The transpose stays.
    Placed undo(const Placed& plain) {
        dead_[uses_.consumers[static_cast<std::size_t>(plain.id)][0]] = false;
        return plain;
    }

    //! Batches and heads are as many everywhere.
    bool same_heads(const Op& first, const Op& second, std::size_t rank) const {
        for (const ValueId id : {first.inputs[0], first.inputs[1], second.inputs[1], second.outputs[0]}) {
            if (dims(id).size() != rank || !std::equal(dims(id).begin(), dims(id).end() - 2, dims(second.outputs[0]).begin())) return false;
        }
        return true;
    }

    //! Numbers of the compiler's own type (constants stay float32), columns side by side, as many as the kernels take.
    bool can_be_read(const Placed& p) const {
        constexpr std::int64_t kSide = 16, kMost = 128;
        const Value& value = ir_.value(p.id);
        const std::int64_t columns = ir_.exprs.value(value.dims.back()).value_or(0);
        return is_floating(value.dtype) && !value.constant && p.axes[3] == static_cast<std::int32_t>(value.dims.size()) - 1 && columns > 0 && columns % kSide == 0 && columns <= kMost;
    }

    void replace(std::size_t softmax, std::size_t last, const Scores& scores, const std::array<Placed, 3>& factors, const Placed& result) {
        std::string name = ir_.ops[scores.product].name;
        for (const std::size_t other : {scores.program.value_or(softmax), softmax, last}) {
            if (ir_.ops[other].name != name && (other != softmax || scores.program)) name = joined_name(name, ir_.ops[other].name);
        }
        Op& op = ir_.ops[last];
        op.name = std::move(name);
        op.kind = Attention{scores.scale, {factors[0].axes, factors[1].axes, factors[2].axes, result.axes}};
        op.inputs = {factors[0].id, factors[1].id, factors[2].id};
        if (scores.mask >= 0) op.inputs.push_back(scores.mask);
        op.outputs = {result.id};
        dead_[softmax] = dead_[scores.product] = true;
        if (scores.program) dead_[*scores.program] = true;
    }

    Ir& ir_;
    Uses uses_;
    std::vector<bool> dead_;
};

} // namespace

void fuse_attention(Ir& ir) {
    if (ir.target.attention) Attentions(ir).run();
}

} // namespace tensorvk::compiler
