#include "compiler/ir.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <set>
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

tactics::Copy Ir::plain_copy(const shape::Exprs& from, const shape::Exprs& region) {
    tactics::Copy copy;
    copy.start.assign(from.size(), exprs.constant(0));
    copy.stride.assign(region.size(), exprs.constant(1));
    copy.region = region;
    for (std::size_t axis = 0; axis < region.size(); ++axis) {
        copy.axis_of.push_back(static_cast<std::int32_t>(axis));
    }
    return copy;
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
        if (id >= 0) { // an optional one may be absent
            visit(id);
        }
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
        const auto& placement = ir.ops[i].placement;
        if (placement && placement->read_there) producers[static_cast<std::size_t>(placement->part)].push_back(i);
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

namespace {

bool is_host_call(const Op& op) { return op.role == Role::kCOMPUTE && std::holds_alternative<tactics::HostCall>(op.kind); }

//! All expressions that an operation needs as numbers.
shape::Exprs expressions_of(const Ir& ir, const Op& op) {
    shape::Exprs out;
    const auto append = [&](const shape::Exprs& exprs) { out.insert(out.end(), exprs.begin(), exprs.end()); };
    for_each_input(op, [&](ValueId id) { append(ir.value(id).dims); });
    if (is_host_call(op)) { // its outputs' dims may be what it finds out
        return out;
    }
    for (const ValueId id : op.outputs) {
        if (id >= 0) {
            append(ir.value(id).dims);
        }
    }
    if (const auto* copy = std::get_if<tactics::Copy>(&op.kind); copy != nullptr && op.role == Role::kCOMPUTE) {
        append(copy->start);
        append(copy->stride);
        append(copy->region);
        if (copy->destination_offset.valid()) {
            out.push_back(copy->destination_offset);
        }
    } else if (const auto* values = std::get_if<tactics::ShapeValues>(&op.kind)) {
        append(values->values);
    } else if (const auto* attention = std::get_if<tactics::Attention>(&op.kind); attention != nullptr && attention->causal) {
        out.push_back(*attention->causal);
    }
    if (op.placement) {
        out.push_back(op.placement->copy.destination_offset);
    }
    return out;
}

//! Which operations find out the symbols that others need.
class SymbolFlow {
public:
    explicit SymbolFlow(const Ir& ir) : ir_(ir) {
        for (std::size_t i = 0; i < ir.ops.size(); ++i) {
            if (!is_host_call(ir.ops[i])) {
                continue;
            }
            for (const auto& definition : std::get<tactics::HostCall>(ir.ops[i].kind).definitions) {
                definer_[definition.symbol] = i;
            }
        }
    }
    [[nodiscard]] std::set<std::size_t> needed_by(std::size_t op) {
        std::set<std::size_t> out;
        if (!definer_.empty()) {
            for (const shape::Expr e : expressions_of(ir_, ir_.ops[op])) {
                const std::set<std::size_t>& more = definers_of(e);
                out.insert(more.begin(), more.end());
            }
            out.erase(op);
        }
        return out;
    }

private:
    const std::set<std::size_t>& definers_of(shape::Expr e) {
        if (const auto it = known_.find(e); it != known_.end()) {
            return it->second;
        }
        std::set<std::size_t> out;
        const shape::ExprNode node = ir_.exprs.node(e);
        if (node.op == shape::ExprOp::kSYMBOL) {
            if (const auto it = definer_.find(e); it != definer_.end()) {
                out.insert(it->second);
            }
        } else if (node.op != shape::ExprOp::kCONSTANT) {
            out = definers_of(node.a);
            const std::set<std::size_t> more = definers_of(node.b);
            out.insert(more.begin(), more.end());
        }
        return known_.emplace(e, std::move(out)).first->second;
    }

    const Ir& ir_;
    std::map<shape::Expr, std::size_t> definer_;
    std::map<shape::Expr, std::set<std::size_t>> known_;
};

//! Operations that wait for nothing, smallest original index first: keeps the user's order wherever dependencies allow it. Host calls come
//! when nothing else is ready, so that the device is interrupted as rarely as possible.
class Ready {
public:
    void push(std::size_t op, bool host) { (host ? host_ : device_).push(op); }
    [[nodiscard]] bool empty() const { return host_.empty() && device_.empty(); }
    std::size_t pop() {
        if (!host_.empty() && (device_.empty() || in_host_)) {
            in_host_ = true;
            return take(host_);
        }
        in_host_ = false;
        return take(device_);
    }

private:
    using Queue = std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>>;
    static std::size_t take(Queue& queue) {
        const std::size_t top = queue.top();
        queue.pop();
        return top;
    }
    Queue host_, device_;
    bool in_host_ = false;
};

} // namespace

void sort_topologically(Ir& ir) {
    const Uses uses(ir);
    SymbolFlow flow(ir);
    std::vector<std::size_t> waiting(ir.ops.size(), 0); // for so many others
    std::vector<std::vector<std::size_t>> waked(ir.ops.size());
    Ready ready;
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        const auto wait_for = [&](std::size_t other) {
            ++waiting[i];
            waked[other].push_back(i);
        };
        for_each_input(ir.ops[i], [&](ValueId id) { std::ranges::for_each(uses.producers[static_cast<std::size_t>(id)], wait_for); });
        std::ranges::for_each(flow.needed_by(i), wait_for);
        if (waiting[i] == 0) {
            ready.push(i, is_host_call(ir.ops[i]));
        }
    }
    std::vector<Op> sorted;
    sorted.reserve(ir.ops.size());
    while (!ready.empty()) {
        const std::size_t next = ready.pop();
        for (const std::size_t other : waked[next]) {
            if (--waiting[other] == 0) {
                ready.push(other, is_host_call(ir.ops[other]));
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
