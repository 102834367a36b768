#include "tactics/rows.hpp"

#include "support/error.hpp"
#include "tactics/layout.hpp"
#include "tactics/rounds.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int32_t kLocalSize = 64;
constexpr std::int32_t kSharedLocalSize = 128; // every device has as many; at most the size of `partial` in the shaders

shape::Expr extent_of(shape::ExprPool& exprs, const std::vector<StridedAxis>& axes) {
    shape::Expr extent = exprs.constant(1);
    for (const StridedAxis& axis : axes) {
        extent = exprs.mul(extent, axis.extent);
    }
    return extent;
}

// Logical axis of the output that belongs to axis `axis` of the input.
std::size_t output_axis(std::size_t axis, std::uint32_t reduced, bool dropped) {
    std::size_t at = axis;
    for (std::size_t i = 0; i < axis && dropped; ++i) {
        at -= (reduced >> i & 1u) != 0 ? 1 : 0;
    }
    return at;
}

struct Quarter { // divides what is counted in single rows
    shape::ExprPool& exprs;
    std::int64_t by;
    shape::Expr operator()(shape::Expr e) const { return exprs.floor_div(e, exprs.constant(by)); }
};

void add_axes(StepBuilder& step, shape::ExprPool& exprs, const std::vector<StridedAxis>& axes, std::size_t tensors, std::int64_t inner_unit) {
    const shape::Expr zero = exprs.constant(0);
    const Quarter quarter{exprs, inner_unit};
    for (std::size_t i = 1; i < RowPlan::kMostAxes; ++i) {
        const bool inner = i + 1 == axes.size();
        step.param(i < axes.size() ? (inner ? quarter(axes[i].extent) : axes[i].extent) : zero);
    }
    for (std::size_t tensor = 0; tensor < tensors; ++tensor) {
        for (std::size_t i = 0; i < RowPlan::kMostAxes; ++i) {
            const bool inner = i + 1 == axes.size();
            const shape::Expr stride = i < axes.size() ? axes[i].strides[tensor] : zero;
            step.param(inner ? exprs.mul(stride, exprs.constant(inner_unit)) : stride);
        }
    }
}

} // namespace

shape::Expr RowPlan::rows(shape::ExprPool& exprs) const { return extent_of(exprs, kept); }
shape::Expr RowPlan::length(shape::ExprPool& exprs) const { return extent_of(exprs, reduced); }

std::string RowPlan::refusal() const {
    if (kept.size() <= kMostAxes && reduced.size() <= kMostAxes) {
        return {};
    }
    return text(kept.size(), " kept and ", reduced.size(), " reduced axes are left after merging, at most ", kMostAxes,
                " of each are allowed; transpose the tensor first");
}

bool RowPlan::rows_in_fours(const shape::ExprPool& exprs) const {
    const StridedAxis& inner = kept.back();
    if (!exprs.is(inner.strides[0], 1) || !exprs.is(inner.strides[1], 1) || !is_multiple_of(exprs, inner.extent, 4)) {
        return false;
    }
    for (std::size_t i = 0; i + 1 < kept.size(); ++i) {
        if (!is_multiple_of(exprs, kept[i].strides[0], 4) || !is_multiple_of(exprs, kept[i].strides[1], 4)) {
            return false;
        }
    }
    for (const StridedAxis& axis : reduced) {
        if (!is_multiple_of(exprs, axis.strides[0], 4)) {
            return false;
        }
    }
    return true;
}

RowPlan plan_rows(shape::ExprPool& exprs, const Value& x, const Value& y, std::uint32_t reduced) {
    const shape::Exprs in = memory_strides(exprs, x);
    const shape::Exprs out = memory_strides(exprs, y);
    const bool dropped = y.dims.size() < x.dims.size();
    std::vector<std::size_t> input_axis(y.dims.size(), SIZE_MAX); // of each axis of the output
    for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
        if ((reduced >> axis & 1u) == 0) {
            input_axis[output_axis(axis, reduced, dropped)] = axis;
        }
    }
    std::vector<StridedAxis> kept;
    for (const std::size_t axis : memory_order(y.layout, y.dims.size())) {
        if (input_axis[axis] != SIZE_MAX) {
            kept.push_back({x.dims[input_axis[axis]], {in[input_axis[axis]], out[axis]}});
        }
    }
    std::vector<StridedAxis> rest;
    for (const std::size_t axis : memory_order(x.layout, x.dims.size())) {
        if ((reduced >> axis & 1u) != 0) {
            rest.push_back({x.dims[axis], {in[axis]}});
        }
    }
    RowPlan plan{collapse(exprs, kept), collapse(exprs, rest)};
    if (plan.kept.back().strides.empty()) { // everything is reduced
        plan.kept.back().strides = {exprs.constant(0), exprs.constant(0)};
    }
    if (plan.reduced.back().strides.empty()) {
        plan.reduced.back().strides = {exprs.constant(0)};
    }
    return plan;
}

std::string variant_prefix(RowShape rows) { return rows == RowShape::kFOUR ? "vec4_" : rows == RowShape::kWORKGROUP ? "shared_" : ""; }

void add_rows(StepBuilder& step, shape::ExprPool& exprs, const RowPlan& plan, RowShape rows) {
    const std::int64_t unit = rows == RowShape::kFOUR ? 4 : 1;
    const bool shared = rows == RowShape::kWORKGROUP;
    const std::int32_t local = shared ? kSharedLocalSize : kLocalSize;
    const shape::Expr count = exprs.floor_div(plan.rows(exprs), exprs.constant(unit));
    step.local_size(local).flat_groups(shared ? count : exprs.ceil_div(count, exprs.constant(local)));
    step.param(count).param(plan.length(exprs));
    add_axes(step, exprs, plan.kept, 2, unit);
    add_axes(step, exprs, plan.reduced, 1, 1);
    step.geometry(0, static_cast<std::int32_t>(plan.kept.size())).geometry(1, static_cast<std::int32_t>(plan.reduced.size()));
    step.geometry(2, shared ? local : 1);
}

std::string refuse_row_shape(const RowPlan& plan, RowShape rows, RowLoops loops, shape::ExprPool& exprs, const vulkan::DeviceCaps& caps) {
    if (std::string why = plan.refusal(); !why.empty()) {
        return why;
    }
    if (rows == RowShape::kFOUR && !plan.rows_in_fours(exprs)) {
        return "neighbouring rows do not lie side by side in groups of 4";
    }
    const std::string long_row = refuse_rounds(caps, loops.passes * rounds_of(most_of(exprs, plan.length(exprs)), loops.bodies));
    if (rows != RowShape::kWORKGROUP) {
        return long_row;
    }
    if (caps.is_cpu && long_row.empty()) {
        return "shared memory is ten times slower than registers on a CPU device";
    }
    return {};
}

} // namespace tensorvk::tactics
