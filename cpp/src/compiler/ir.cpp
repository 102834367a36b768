#include "compiler/ir.hpp"

#include <algorithm>
#include <utility>

#include "support/error.hpp"

namespace tensorvk::compiler {

ValueId Ir::add_value(std::string name, DataType dtype, shape::Exprs dims) {
    Value value;
    value.name = std::move(name);
    value.dtype = dtype;
    value.dims = std::move(dims);
    values.push_back(std::move(value));
    return static_cast<ValueId>(values.size()) - 1;
}

ValueId Ir::add_constant(std::string name, kernels::host::Tensor data) {
    shape::Exprs dims;
    for (const std::int64_t extent : data.dims) {
        dims.push_back(exprs.constant(extent));
    }
    const ValueId id = add_value(std::move(name), data.dtype, std::move(dims));
    value(id).constant = std::make_shared<const kernels::host::Tensor>(std::move(data));
    return id;
}

Op& Ir::add_op(std::string name, tactics::Kind kind, std::vector<ValueId> in, std::vector<ValueId> out) {
    Op op;
    op.name = std::move(name);
    op.kind = std::move(kind);
    op.inputs = std::move(in);
    op.outputs = std::move(out);
    ops.push_back(std::move(op));
    return ops.back();
}

void Ir::add_reshape(std::string name, ValueId from, ValueId to) {
    add_op(std::move(name), tactics::Copy{}, {from}, {to}).role = Role::kRESHAPE;
}

bool Ir::is_static(const shape::Exprs& dims) const {
    return std::all_of(dims.begin(), dims.end(), [this](shape::Expr e) { return exprs.value(e).has_value(); });
}

std::vector<std::int64_t> Ir::extents(const shape::Exprs& dims) const {
    std::vector<std::int64_t> out;
    for (const shape::Expr e : dims) {
        const auto extent = exprs.value(e);
        if (!extent) {
            throw InternalError(text("Dimension ", exprs.str(e), " was taken for a constant."));
        }
        out.push_back(*extent);
    }
    return out;
}

namespace {

template <typename Visit>
void for_each_input(const Op& op, Visit visit) {
    for (const ValueId id : op.inputs) {
        visit(id);
    }
    for (const ValueId id : op.operands) {
        visit(id);
    }
}

} // namespace

Uses::Uses(const Ir& ir) : producers(ir.values.size()), consumers(ir.values.size()) {
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        note_reads(ir.ops[i], i);
        for (const ValueId id : ir.ops[i].outputs) {
            if (id >= 0) {
                producers[static_cast<std::size_t>(id)].push_back(i);
            }
        }
    }
}

void Uses::forget_reads(const Op& op, std::size_t index) {
    for_each_input(op, [&](ValueId id) { std::erase(consumers[static_cast<std::size_t>(id)], index); });
}

void Uses::note_reads(const Op& op, std::size_t index) {
    for_each_input(op, [&](ValueId id) { consumers[static_cast<std::size_t>(id)].push_back(index); });
}

void erase_ops(Ir& ir, const std::vector<bool>& dead) {
    std::vector<Op> kept;
    kept.reserve(ir.ops.size());
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        if (!dead[i]) {
            kept.push_back(std::move(ir.ops[i]));
        }
    }
    ir.ops = std::move(kept);
}

void sort_topologically(Ir& ir) {
    const Uses uses(ir);
    std::vector<std::size_t> waiting(ir.ops.size(), 0); // producers not yet placed
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        for_each_input(ir.ops[i], [&](ValueId id) { waiting[i] += uses.producers[static_cast<std::size_t>(id)].size(); });
        if (waiting[i] == 0) {
            ready.push_back(i);
        }
    }
    // Smallest original index first: keeps the user's order wherever dependencies allow it.
    std::vector<Op> sorted;
    sorted.reserve(ir.ops.size());
    const auto later = std::greater<std::size_t>();
    std::make_heap(ready.begin(), ready.end(), later);
    while (!ready.empty()) {
        std::pop_heap(ready.begin(), ready.end(), later);
        const std::size_t next = ready.back();
        ready.pop_back();
        for (const ValueId id : ir.ops[next].outputs) {
            if (id < 0) {
                continue;
            }
            for (const std::size_t consumer : uses.consumers[static_cast<std::size_t>(id)]) {
                if (--waiting[consumer] == 0) {
                    ready.push_back(consumer);
                    std::push_heap(ready.begin(), ready.end(), later);
                }
            }
        }
        sorted.push_back(std::move(ir.ops[next]));
    }
    if (sorted.size() != ir.ops.size()) {
        throw InternalError("The compiler produced a cyclic graph.");
    }
    ir.ops = std::move(sorted);
}

} // namespace tensorvk::compiler
