// Slices without copies: what is a range of a value stays in it, where its readers can find it there. A range without gaps is an offset, which all can read; one of
// channels or columns has gaps, which kernels have to step over.
#include "compiler/passes/views.hpp"

#include <algorithm>
#include <utility>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "support/dtype.hpp"
#include "tactics/collapse.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::compiler {

namespace {

constexpr std::int64_t kVector = 16; // bytes that kernels read together

//! A copy of a range whose begin is known, along any axes, with all that lies in it.
bool is_slice(const Ir& ir, const Op& op) {
    const auto* copy = op.role == Role::kCOMPUTE ? std::get_if<tactics::Copy>(&op.kind) : nullptr;
    if (copy == nullptr || copy->destination_axis >= 0 || copy->outside != SampleMode::kSTRICT_BOUNDS || copy->axis_of.size() != copy->start.size()) return false;
    for (std::size_t axis = 0; axis < copy->axis_of.size(); ++axis) {
        if (copy->axis_of[axis] != static_cast<std::int32_t>(axis) || !ir.exprs.is(copy->stride[axis], 1) || ir.exprs.value(copy->start[axis]).value_or(-1) < 0) return false;
    }
    const Value& from = ir.value(op.inputs[0]);
    const Value& to = ir.value(op.outputs[0]);
    return from.dtype == to.dtype && from.layout == to.layout && !from.constant && !to.is_output;
}

//! Axes of `from` and of `to`, of which one is the product of the others; 1s are in none.
struct SameElements {
    std::vector<std::size_t> from, to;
};

std::vector<std::size_t> longer_axes(const Ir& ir, const shape::Exprs& dims) {
    std::vector<std::size_t> axes;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        if (!ir.exprs.is(dims[axis], 1)) axes.push_back(axis);
    }
    return axes;
}

//! The first of the axes whose product is `extent`; none where no number of them has it.
std::vector<std::size_t> axes_of_product(Ir& ir, const shape::Exprs& dims, std::span<const std::size_t> axes, shape::Expr extent) {
    shape::Expr product = ir.exprs.constant(1);
    for (std::size_t count = 1; count <= axes.size(); ++count) {
        product = ir.exprs.mul(product, dims[axes[count - 1]]);
        if (product == extent) return {axes.begin(), axes.begin() + static_cast<std::ptrdiff_t>(count)};
    }
    return {};
}

//! How a reshape cuts or joins axes; nothing where it does both at once.
std::optional<std::vector<SameElements>> matched_axes(Ir& ir, const shape::Exprs& from, const shape::Exprs& to) {
    const std::vector<std::size_t> before = longer_axes(ir, from), after = longer_axes(ir, to);
    std::vector<SameElements> out;
    std::size_t f = 0, t = 0;
    while (f < before.size() && t < after.size()) {
        SameElements same{{before[f]}, axes_of_product(ir, to, std::span(after).subspan(t), from[before[f]])};
        if (same.to.empty()) same = {axes_of_product(ir, from, std::span(before).subspan(f), to[after[t]]), {after[t]}};
        if (same.from.empty()) return std::nullopt;
        f += same.from.size();
        t += same.to.size();
        out.push_back(std::move(same));
    }
    return f == before.size() && t == after.size() ? std::optional(std::move(out)) : std::nullopt;
}

//! Of what a reshape makes of a value with gaps; nothing where one of its axes would cross some.
std::optional<shape::Exprs> reshaped_strides(Ir& ir, const shape::Exprs& from, const shape::Exprs& strides, const shape::Exprs& to) {
    const auto matched = matched_axes(ir, from, to);
    if (!matched) return std::nullopt;
    shape::Exprs out(to.size());
    for (const SameElements& same : *matched) {
        for (std::size_t i = 0; i + 1 < same.from.size(); ++i) {
            if (strides[same.from[i]] != ir.exprs.mul(strides[same.from[i + 1]], from[same.from[i + 1]])) return std::nullopt;
        }
        shape::Expr stride = strides[same.from.back()];
        for (auto axis = same.to.rbegin(); axis != same.to.rend(); ++axis) {
            out[*axis] = stride;
            stride = ir.exprs.mul(stride, to[*axis]);
        }
    }
    for (std::size_t axis = to.size(); axis-- > 0;) { // where there is one, any step will do
        if (!out[axis].valid()) out[axis] = axis + 1 < to.size() ? ir.exprs.mul(out[axis + 1], to[axis + 1]) : ir.exprs.constant(1);
    }
    return out;
}

bool has_gaps(Ir& ir, const Value& value, const shape::Exprs& strides) {
    const shape::Exprs dense = tactics::memory_strides(ir.exprs, value.dims, value.layout);
    for (std::size_t axis = 0; axis < dense.size(); ++axis) {
        if (strides[axis] != dense[axis] && !ir.exprs.is(value.dims[axis], 1)) return true;
    }
    return false;
}

//! Vectors that lie together begin where kernels can read them.
bool keeps_vectors(const Ir& ir, const Value& value, const shape::Exprs& strides) {
    Value viewed = value;
    viewed.strides = strides;
    return tactics::keeps_units(ir.exprs, viewed, kVector / static_cast<std::int64_t>(dtype_size(value.dtype)));
}

//! Whether kernels of this operation step over gaps in `id`; those that do not would each copy it out.
class GapReaders {
public:
    GapReaders(Ir& ir, ValueId id, const shape::Exprs& strides) : ir_(ir), id_(id), value_(ir.value(id)), strides_(strides) {}

    [[nodiscard]] bool take(const Op& op) const {
        const auto kernels = [&](const auto& kind) { return reads(op, kind); };
        return op.role == Role::kCOMPUTE && is_floating(value_.dtype) && std::visit(kernels, op.kind);
    }

private:
    [[nodiscard]] bool is_only(const Op& op, std::size_t input) const {
        return op.inputs[input] == id_ && std::ranges::count(op.inputs, id_) == 1 && std::ranges::find(op.operands, id_) == op.operands.end();
    }
    [[nodiscard]] bool reads(const Op& op, const tactics::Convolution& convolution) const {
        const bool volume = value_.dims.size() > 4 && strides_[2] != ir_.exprs.mul(strides_[3], value_.dims[3]);
        return ir_.target.views.gaps && is_only(op, 0) && convolution.geometry.groups == 1 && !volume;
    }
    [[nodiscard]] bool reads(const Op& op, const tactics::MatrixProduct& product) const {
        if (std::ranges::find(op.operands, id_) != op.operands.end() || (op.inputs.size() > 2 && op.inputs[2] == id_)) return false;
        tactics::Value viewed = value_;
        viewed.strides = strides_;
        const bool packed = op.inputs[0] == id_ && ir_.value(op.inputs[1]).constant;
        return !packed || (!product.transpose_a && tactics::has_even_rows(ir_.exprs, viewed));
    }
    [[nodiscard]] bool reads(const Op& op, const tactics::Attention&) const {
        const bool mask = op.inputs.size() > 3 && op.inputs[3] == id_;
        return ir_.target.views.gaps && !mask && ir_.exprs.is(strides_.back(), 1);
    }
    //! Channels side by side, and pixels at one distance.
    [[nodiscard]] bool reads(const Op&, const tactics::Pooling&) const {
        tactics::Value viewed = value_;
        viewed.strides = strides_;
        return ir_.target.views.gaps && tactics::has_even_pixels(ir_.exprs, viewed);
    }
    //! In fours, all in one order.
    [[nodiscard]] bool reads(const Op& op, const tactics::Pointwise&) const {
        const Value& out = ir_.value(op.outputs[0]);
        const std::size_t inner = tactics::memory_order(out.layout, out.dims.size()).back();
        return out.dims.size() == value_.dims.size() && out.layout == value_.layout && is_floating(out.dtype) && tactics::is_multiple_of(ir_.exprs, out.dims[inner], 4) &&
               ir_.exprs.is(strides_[inner], 1);
    }
    [[nodiscard]] bool reads(const Op&, const tactics::Copy&) const { return true; }
    [[nodiscard]] bool reads(const Op&, const tactics::SoftMax&) const { return true; }
    [[nodiscard]] bool reads(const Op&, const tactics::Reduce&) const { return true; }
    template <typename Other>
    [[nodiscard]] bool reads(const Op&, const Other&) const { return false; }

    Ir& ir_;
    ValueId id_;
    const Value& value_;
    const shape::Exprs& strides_;
};

//! Of what lies without gaps: every kernel reads it, and the user gets a copy.
void collect_dense(const Ir& ir, const Uses& uses, ValueId id, std::vector<ViewedValue>& out) {
    out.push_back({id, {}});
    for (const std::size_t reader : uses.consumers[static_cast<std::size_t>(id)]) {
        if (ir.ops[reader].role == Role::kRESHAPE) collect_dense(ir, uses, ir.ops[reader].outputs[0], out);
    }
}

//! False where a reader does not step over the gaps.
bool collect(Ir& ir, const Uses& uses, ValueId id, const shape::Exprs& strides, std::vector<ViewedValue>& out) {
    out.push_back({id, strides});
    for (const std::size_t reader : uses.consumers[static_cast<std::size_t>(id)]) {
        const Op& op = ir.ops[reader];
        if (op.role != Role::kRESHAPE) {
            if (!GapReaders(ir, id, strides).take(op)) return false;
            continue;
        }
        const ValueId to = op.outputs[0];
        const auto next = reshaped_strides(ir, ir.value(id).dims, strides, ir.value(to).dims);
        if (ir.value(to).is_output || !next || !keeps_vectors(ir, ir.value(to), *next) || !collect(ir, uses, to, *next, out)) return false;
    }
    return true;
}

} // namespace

std::optional<std::vector<ViewedValue>> view_of(Ir& ir, const Uses& uses, ValueId part, shape::Expr offset, const shape::Exprs& strides) {
    const shape::Expr bytes = ir.exprs.mul(offset, ir.exprs.constant(static_cast<std::int64_t>(dtype_size(ir.value(part).dtype))));
    if (ir.target.views.alignment == 0 || !tactics::is_multiple_of(ir.exprs, bytes, ir.target.views.alignment)) return std::nullopt;
    std::vector<ViewedValue> out;
    if (!has_gaps(ir, ir.value(part), strides)) {
        collect_dense(ir, uses, part, out);
        return out;
    }
    if (!keeps_vectors(ir, ir.value(part), strides) || !collect(ir, uses, part, strides, out)) return std::nullopt;
    return out;
}

void read_there(Ir& ir, const Uses& uses, std::span<const ViewedValue> values, std::string_view pass) {
    for (const ViewedValue& value : values) {
        ir.value(value.id).strides = value.strides;
        for (const std::size_t reader : uses.consumers[static_cast<std::size_t>(value.id)]) {
            auto& passes = ir.ops[reader].passes;
            if (std::ranges::find(passes, pass) == passes.end()) passes.push_back(pass);
        }
    }
}

void view_slices(Ir& ir) {
    const Uses uses(ir);
    for (Op& op : ir.ops) {
        if (!is_slice(ir, op) || uses.producers[static_cast<std::size_t>(op.outputs[0])].size() != 1) continue;
        const auto& start = std::get<tactics::Copy>(op.kind).start;
        const shape::Exprs strides = tactics::memory_strides(ir.exprs, ir.value(op.inputs[0]));
        shape::Expr offset = ir.exprs.constant(0);
        for (std::size_t axis = 0; axis < start.size(); ++axis) offset = ir.exprs.add(offset, ir.exprs.mul(start[axis], strides[axis]));
        const auto viewed = view_of(ir, uses, op.outputs[0], offset, strides);
        if (!viewed) continue;
        op.role = Role::kVIEW;
        read_there(ir, uses, *viewed, "view_slices");
    }
}

} // namespace tensorvk::compiler
