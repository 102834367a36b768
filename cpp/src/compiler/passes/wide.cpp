// What stays float32 in a network of float16: what the user wants so, and sums over many elements, what is only added up, and what is computed
// from sums alone, such as variances. The latter is little memory, and float16 ends at 65504, which a sum of squares passes long before its square root does.
#include <algorithm>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "support/dtype.hpp"

namespace tensorvk::compiler {

namespace {

class Wide {
public:
    explicit Wide(const Ir& ir) : ir_(ir), uses_(ir), wide_(ir.values.size(), false) {}

    std::vector<bool> find() {
        for (std::size_t id = 0; id < wide_.size(); ++id) {
            wide_[id] = ir_.values[id].pinned;
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
        while (retreat()) {
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
    Uses uses_;
    std::vector<bool> wide_;
};

} // namespace

std::vector<bool> wide_values(const Ir& ir) { return Wide(ir).find(); }

} // namespace tensorvk::compiler
