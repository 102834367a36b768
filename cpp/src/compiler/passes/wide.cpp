// What stays float32 in a network of float16 or bfloat16: what the user wants so, and sums over many elements, what is only added up, and what is computed
// from sums alone, such as variances. The latter is little memory, and float16 ends at 65504, which a sum of squares passes long before its square root does.
#include <algorithm>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "support/dtype.hpp"

namespace tensorvk::compiler {

namespace {

class Wide {
public:
    Wide(const Ir& ir, DataType internal) : ir_(ir), internal_(internal), uses_(ir), wide_(ir.values.size(), false) {}

    std::vector<bool> find() {
        for (std::size_t id = 0; id < wide_.size(); ++id) {
            wide_[id] = ir_.values[id].pinned && !ir_.target.typed;
        }
        for (const Op& op : ir_.ops) {
            if (is_reduction(op) && inside(op.outputs[0])) {
                set(op.outputs[0], true);
            }
            if (is_pointwise(op) && inside(op.outputs[0]) && only_reduced(op.outputs[0])) {
                set(op.outputs[0], true);
            }
        }
        while (spread()) {
        }
        for (const Op& op : ir_.ops) {
            if (internal_ == DataType::kBF16 && is_pointwise(op) && inside(op.outputs[0]) && centres(op)) {
                set(op.outputs[0], true);
            }
        }
        if (internal_ == DataType::kBF16) {
            keep_head();
        }
        while (retreat()) {
        }
        if (internal_ == DataType::kBF16) {
            keep_tail();
        }
        for (std::size_t id = 0; id < wide_.size(); ++id) { // the graph's own say, which nothing follows from for other values
            if (ir_.values[id].pinned) wide_[id] = true;
        }
        return std::move(wide_);
    }

private:
    bool is_wide(ValueId id) const { return wide_[static_cast<std::size_t>(id)]; }
    void set(ValueId id, bool wide) { wide_[static_cast<std::size_t>(id)] = wide; }
    const std::vector<std::size_t>& readers(ValueId id) const { return uses_.consumers[static_cast<std::size_t>(id)]; }

    static bool is_reduction(const Op& op) { return op.role == Role::kCOMPUTE && std::holds_alternative<tactics::Reduce>(op.kind); }

    //! One writer, and a type that is the compiler's to choose.
    bool inside(ValueId id) const {
        const Value& value = ir_.value(id);
        return !value.is_input && !value.is_output && !value.constant && is_floating(value.dtype) &&
               uses_.producers[static_cast<std::size_t>(id)].size() == 1;
    }

    bool only_reduced(ValueId id) const {
        return !readers(id).empty() && std::ranges::all_of(readers(id), [&](std::size_t op) { return is_reduction(ir_.ops[op]); });
    }

    //! Takes a mean away, or what else reductions gave, for pointwise operations and reductions: half of a normalisation, whose difference would
    //! lose with bfloat16 half of the digits that its square and quotient need.
    bool centres(const Op& op) const {
        const auto wide = [&](ValueId id) { return is_wide(id) && !ir_.value(id).pinned; };
        const ValueId out = op.outputs[0];
        return (std::ranges::any_of(op.inputs, wide) || std::ranges::any_of(op.operands, wide)) && !readers(out).empty() &&
               std::ranges::all_of(readers(out), [&](std::size_t i) { return is_pointwise(ir_.ops[i]) || is_reduction(ir_.ops[i]); });
    }

    //! For all inputs and operands that hold floats, but constants.
    template <typename Test>
    bool all_floats(const Op& op, const Test& test) const {
        const auto passes = [&](ValueId id) { return id < 0 || ir_.value(id).constant || !is_floating(ir_.value(id).dtype) || test(id); };
        return std::ranges::all_of(op.inputs, passes) && std::ranges::all_of(op.operands, passes);
    }

    //! What goes before the first product, such as the sum of embeddings: bfloat16 would save no time, and all that follows is made of it.
    void keep_head() {
        std::vector<bool> head(ir_.values.size(), false);
        for (const ValueId id : ir_.inputs) {
            head[static_cast<std::size_t>(id)] = true;
        }
        for (const Op& op : ir_.ops) {
            if (is_product(op) || !all_floats(op, [&](ValueId id) { return head[static_cast<std::size_t>(id)]; })) {
                continue;
            }
            for (const ValueId out : op.outputs) {
                if (out < 0 || !inside(out)) continue;
                head[static_cast<std::size_t>(out)] = true;
                const auto computes = [&](std::size_t i) { return is_pointwise(ir_.ops[i]) || is_reduction(ir_.ops[i]); };
                if (std::ranges::all_of(readers(out), computes)) set(out, true);
            }
        }
    }

    //! Values that products are made of, at whatever distance.
    std::vector<bool> find_factors() const {
        std::vector<bool> factors(ir_.values.size(), false);
        for (std::size_t i = ir_.ops.size(); i-- > 0;) {
            const Op& op = ir_.ops[i];
            const bool feeds = is_product(op) || std::ranges::any_of(op.outputs, [&](ValueId id) { return id >= 0 && factors[static_cast<std::size_t>(id)]; });
            for (const auto* list : {&op.inputs, &op.operands}) {
                for (const ValueId id : *list) {
                    if (id >= 0 && feeds) factors[static_cast<std::size_t>(id)] = true;
                }
            }
        }
        return factors;
    }

    //! What comes after the last product, this one's sums among it, and what else it is made of without a product in between, even where products read
    //! that as well: those get a rounded copy.
    void keep_tail() {
        const std::vector<bool> factors = find_factors();
        std::vector<bool> tail(ir_.values.size(), false);
        const auto in_tail = [&](ValueId id) { return id >= 0 && tail[static_cast<std::size_t>(id)]; };
        const auto add = [&](ValueId id) {
            set(id, true);
            tail[static_cast<std::size_t>(id)] = true;
        };
        for (const Op& op : ir_.ops) {
            const bool converts = is_pointwise(op) || is_reduction(op) || is_product(op);
            for (const ValueId out : op.outputs) {
                if (out < 0 || factors[static_cast<std::size_t>(out)]) continue;
                const bool joins = concatenated(out) && in_tail(op.inputs[0]);
                if (joins || (inside(out) && (converts || all_floats(op, [&](ValueId id) { return is_wide(id); })))) add(out);
            }
        }
        for (std::size_t i = ir_.ops.size(); i-- > 0;) {
            const Op& op = ir_.ops[i];
            if (!in_tail(op.result()) || is_product(op)) continue;
            for (const auto* list : {&op.inputs, &op.operands}) {
                for (const ValueId id : *list) {
                    if (id >= 0 && !in_tail(id) && (inside(id) || concatenated(id)) && takes_floats(id)) add(id);
                }
            }
        }
    }

    //! Its producers write float32 where that is wanted, at little more than the memory.
    bool takes_floats(ValueId id) const {
        const auto writes = [&](std::size_t i) {
            const Op& op = ir_.ops[i];
            return is_pointwise(op) || is_product(op) || op.role == Role::kRESHAPE || std::holds_alternative<tactics::Copy>(op.kind);
        };
        return std::ranges::all_of(uses_.producers[static_cast<std::size_t>(id)], writes);
    }

    //! Written by several copies, each a part.
    bool concatenated(ValueId id) const {
        const Value& value = ir_.value(id);
        const auto& producers = uses_.producers[static_cast<std::size_t>(id)];
        const auto copies = [&](std::size_t i) { return ir_.ops[i].role == Role::kCOMPUTE && std::holds_alternative<tactics::Copy>(ir_.ops[i].kind); };
        return !value.is_output && is_floating(value.dtype) && producers.size() > 1 && std::ranges::all_of(producers, copies);
    }

    //! The same elements in another shape or order: input and output have one type.
    bool moves(const Op& op) const {
        if (op.role == Role::kRESHAPE) {
            return true;
        }
        return op.role == Role::kCOMPUTE && std::holds_alternative<tactics::Copy>(op.kind) && no_larger(op.outputs[0], op.inputs[0]);
    }

    bool no_larger(ValueId a, ValueId b) const {
        const Value& x = ir_.value(a);
        const Value& y = ir_.value(b);
        if (x.dims == y.dims) {
            return true;
        }
        return ir_.is_static(x.dims) && ir_.is_static(y.dims) && checked_volume(ir_.extents(x.dims)) <= checked_volume(ir_.extents(y.dims));
    }

    //! Whatever is computed from wide values alone is wide as well; true when there is more of it than before.
    bool spread() {
        bool grew = false;
        for (const Op& op : ir_.ops) {
            if ((!is_pointwise(op) && !moves(op)) || is_wide(op.outputs[0]) || !inside(op.outputs[0])) {
                continue;
            }
            const auto known_or_wide = [&](ValueId id) { return ir_.value(id).constant != nullptr || is_wide(id); };
            if (std::ranges::any_of(op.inputs, [&](ValueId id) { return is_wide(id); }) && std::ranges::all_of(op.inputs, known_or_wide) &&
                std::ranges::all_of(op.operands, known_or_wide)) {
                set(op.outputs[0], true);
                grew = true;
            }
        }
        return grew;
    }

    //! Pointwise operations and reductions read any type; others want what the network is computed in.
    bool retreat() {
        bool changed = false;
        for (const Op& op : ir_.ops) {
            for (const auto* list : {&op.inputs, &op.operands}) {
                for (const ValueId id : *list) {
                    const bool reads = is_pointwise(op) || is_reduction(op) || (moves(op) && is_wide(op.outputs[0]));
                    if (id >= 0 && is_wide(id) && !ir_.value(id).pinned && !reads) {
                        set(id, false);
                        changed = true;
                    }
                }
            }
            if (moves(op) && is_wide(op.outputs[0]) && !ir_.value(op.outputs[0]).pinned && !is_wide(op.inputs[0])) {
                set(op.outputs[0], false);
                changed = true;
            }
        }
        return changed;
    }

    const Ir& ir_;
    DataType internal_;
    Uses uses_;
    std::vector<bool> wide_;
};

} // namespace

std::vector<bool> wide_values(const Ir& ir, DataType internal) { return Wide(ir, internal).find(); }

} // namespace tensorvk::compiler
