#include "compiler/buffers.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <utility>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::compiler {

namespace {

//! Values that share bytes, as a forest of parents. A set holds at most one value that the user binds.
class Aliases {
public:
    explicit Aliases(const Ir& ir) : parent_(ir.values.size()), bound_(ir.values.size()) {
        std::iota(parent_.begin(), parent_.end(), ValueId{0});
        for (std::size_t i = 0; i < ir.values.size(); ++i) {
            bound_[i] = ir.values[i].is_input || ir.values[i].is_output || ir.values[i].constant;
        }
    }
    void grow() {
        parent_.push_back(static_cast<ValueId>(parent_.size()));
        bound_.push_back(false);
    }
    ValueId root(ValueId id) {
        while (parent_[static_cast<std::size_t>(id)] != id) {
            id = parent_[static_cast<std::size_t>(id)] = parent_[static_cast<std::size_t>(parent_[static_cast<std::size_t>(id)])];
        }
        return id;
    }
    //! It lies in another value, whatever shares bytes with it.
    void bind(ValueId id) { bound_[static_cast<std::size_t>(root(id))] = true; }
    bool both_bound(ValueId a, ValueId b) { return is_bound(a) && is_bound(b); }
    void join(ValueId a, ValueId b) {
        // The bound value decides what the buffer is; else the one that is written, whose size is known by then.
        const ValueId keep = is_bound(b) ? root(b) : root(a);
        const ValueId other = keep == root(a) ? root(b) : root(a);
        parent_[static_cast<std::size_t>(other)] = keep;
    }

private:
    bool is_bound(ValueId id) { return bound_[static_cast<std::size_t>(root(id))]; }
    std::vector<ValueId> parent_;
    std::vector<bool> bound_;
};

//! Symbols that inputs do not tell: steps find them out while the network runs.
class LateSymbols {
public:
    explicit LateSymbols(const Ir& ir) : exprs_(ir.exprs) {
        for (const ValueId id : ir.inputs) {
            for (const shape::Expr dim : ir.value(id).dims) {
                early_.merge(exprs_.symbols_of(std::span(&dim, 1)));
            }
        }
    }
    //! Whether `dims` needs one that `known` does without.
    [[nodiscard]] bool adds_to(const shape::Exprs& known, const shape::Exprs& dims) const {
        const auto before = exprs_.symbols_of(known);
        const auto after = exprs_.symbols_of(dims);
        return std::ranges::any_of(after, [&](std::int64_t symbol) { return !early_.contains(symbol) && !before.contains(symbol); });
    }

private:
    const shape::ExprPool& exprs_;
    std::set<std::int64_t> early_;
};

//! A pointwise copy in front of the reshape separates two tensors of the user.
Op separate(Ir& ir, Op& reshape) {
    const Value source = ir.value(reshape.inputs[0]);
    const ValueId between = ir.add_value(source.name + " copy", source.dtype, source.dims);
    ir.value(between).layout = source.layout;
    Op copy;
    copy.name = reshape.name;
    copy.kind = tactics::Pointwise{};
    copy.inputs = {reshape.inputs[0]};
    copy.outputs = {between};
    reshape.inputs[0] = between;
    return copy;
}

//! What lies in a part of another value.
struct View {
    ValueId whole;
    shape::Expr offset; // bytes
};

View view_from(Ir& ir, ValueId whole, shape::Expr element) {
    return {whole, ir.exprs.mul(element, ir.exprs.constant(static_cast<std::int64_t>(dtype_size(ir.value(whole).dtype))))};
}

View view_of(Ir& ir, const Op& op) {
    const auto& start = std::get<tactics::Copy>(op.kind).start;
    const shape::Exprs strides = tactics::memory_strides(ir.exprs, ir.value(op.inputs[0]));
    shape::Expr element = ir.exprs.constant(0);
    for (std::size_t axis = 0; axis < start.size(); ++axis) element = ir.exprs.add(element, ir.exprs.mul(start[axis], strides[axis]));
    return view_from(ir, op.inputs[0], element);
}

View view_of_part(Ir& ir, const Op& product) {
    const tactics::Copy& copy = product.placement->copy;
    const shape::Exprs strides = tactics::memory_strides(ir.exprs, ir.value(product.outputs[0]));
    return view_from(ir, product.outputs[0], ir.exprs.mul(copy.destination_offset, strides[static_cast<std::size_t>(copy.destination_axis)]));
}

Aliases resolve_reshapes(Ir& ir, std::map<ValueId, View>& views) {
    Aliases aliases(ir);
    const LateSymbols late(ir);
    std::vector<Op> kept;
    for (Op& op : ir.ops) {
        if (op.placement && op.placement->read_there) {
            views.emplace(op.placement->part, view_of_part(ir, op));
            aliases.bind(op.placement->part);
        }
        if (op.role == Role::kVIEW) {
            views.emplace(op.outputs[0], view_of(ir, op));
            aliases.bind(op.outputs[0]);
            continue;
        }
        if (op.role != Role::kRESHAPE) {
            kept.push_back(std::move(op));
            continue;
        }
        const Value& from = ir.value(op.inputs[0]);
        const Value& to = ir.value(op.outputs[0]);
        // What the user binds has a size of its own, which may be known only after the source is written.
        if (aliases.both_bound(op.inputs[0], op.outputs[0]) || (to.is_output && late.adds_to(from.dims, to.dims))) {
            kept.push_back(separate(ir, op));
            aliases.grow();
        }
        aliases.join(op.inputs[0], op.outputs[0]);
    }
    ir.ops = std::move(kept);
    return aliases;
}

plan::BufferKind kind_of(const Value& value) {
    if (value.is_input) {
        return plan::BufferKind::kINPUT;
    }
    if (value.is_output) {
        return plan::BufferKind::kOUTPUT;
    }
    return value.constant ? plan::BufferKind::kCONSTANT : plan::BufferKind::kARENA;
}

std::int32_t add_buffer(Ir& ir, const Value& value, WeightStore& weights, plan::Program& program) {
    plan::Buffer buffer;
    buffer.name = value.name;
    buffer.kind = kind_of(value);
    const auto size = static_cast<std::int64_t>(dtype_size(value.dtype));
    buffer.bytes = ir.exprs.mul(ir.volume(value.dims), ir.exprs.constant(size));
    if (value.constant) {
        buffer.constant_offset = weights.add(value.constant->data);
    }
    program.buffers.push_back(std::move(buffer));
    return static_cast<std::int32_t>(program.buffers.size()) - 1;
}

//! Of a buffer that is empty, as of a batch of nothing, it is the end.
std::int32_t add_view(Ir& ir, const Value& value, std::int32_t in, shape::Expr begin, plan::Program& program) {
    const plan::Buffer& around = program.buffers[static_cast<std::size_t>(in)];
    const shape::Expr offset = ir.exprs.min(begin, around.bytes);
    const bool nested = around.kind == plan::BufferKind::kVIEW;
    plan::Buffer buffer{.name = value.name, .kind = plan::BufferKind::kVIEW};
    buffer.bytes = ir.exprs.sub(around.bytes, offset);
    buffer.whole = nested ? around.whole : in;
    buffer.offset = nested ? ir.exprs.add(around.offset, offset) : offset;
    program.buffers.push_back(std::move(buffer));
    return static_cast<std::int32_t>(program.buffers.size()) - 1;
}

} // namespace

plan::Program assign_buffers(Ir& ir, WeightStore& weights) {
    std::map<ValueId, View> views;
    Aliases aliases = resolve_reshapes(ir, views);
    plan::Program program;
    const std::function<void(ValueId)> give_buffer = [&](ValueId id) {
        const ValueId root = aliases.root(id);
        if (ir.value(root).buffer < 0) {
            if (const auto view = views.find(root); view != views.end()) {
                give_buffer(view->second.whole);
                ir.value(root).buffer = add_view(ir, ir.value(root), ir.value(view->second.whole).buffer, view->second.offset, program);
            } else {
                ir.value(root).buffer = add_buffer(ir, ir.value(root), weights, program);
            }
        }
        ir.value(id).buffer = ir.value(root).buffer;
    };
    const auto add_io = [&](ValueId id, TensorIOMode mode) {
        give_buffer(id);
        const Value& value = ir.value(id);
        program.io.push_back({value.name, value.dtype, mode, value.dims, value.buffer});
    };
    for (const ValueId id : ir.inputs) {
        add_io(id, TensorIOMode::kINPUT);
    }
    for (const ValueId id : ir.outputs) {
        add_io(id, TensorIOMode::kOUTPUT);
    }
    for (const Op& op : ir.ops) {
        for (const auto* list : {&op.inputs, &op.operands, &op.outputs}) {
            for (const ValueId id : *list) {
                if (id >= 0) {
                    give_buffer(id);
                }
            }
        }
    }
    program.exprs = ir.exprs;
    return program;
}

} // namespace tensorvk::compiler
