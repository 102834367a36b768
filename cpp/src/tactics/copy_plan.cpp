#include "tactics/copy_plan.hpp"

#include <algorithm>

#include "support/error.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::tactics {

namespace {

// Does the region stay inside along this axis, as far as is known?
bool stays_inside(shape::ExprPool& exprs, shape::Expr start, shape::Expr step, shape::Expr extent, shape::Expr limit) {
    if (exprs.is(start, 0) && exprs.is(step, 1) && extent == limit) {
        return true;
    }
    const auto first = exprs.value(start);
    const auto last = exprs.value(exprs.add(start, exprs.mul(step, exprs.sub(extent, exprs.constant(1)))));
    const auto end = exprs.value(limit);
    return first && last && end && std::min(*first, *last) >= 0 && std::max(*first, *last) < *end;
}

class Planner {
public:
    Planner(shape::ExprPool& exprs, const Copy& copy, const Value& source, const Value& target)
        : exprs_(exprs), copy_(copy), source_(source), target_(target), source_strides_(memory_strides(exprs, source)),
          target_strides_(memory_strides(exprs, target)), zero_(exprs.constant(0)) {}

    CopyPlan run() {
        plan_.source_base = plan_.target_base = zero_;
        for (const std::size_t axis : memory_order(target_.layout, target_.dims.size())) {
            add_axis(axis);
        }
        flush();
        add_bases();
        if (plan_.axes.empty()) {
            plan_.axes.push_back({exprs_.constant(1), {zero_, zero_}});
        }
        return std::move(plan_);
    }

private:
    void add_axis(std::size_t axis) {
        const std::int32_t from = copy_.axis_of[axis];
        const bool apart = static_cast<std::int32_t>(axis) == copy_.destination_axis && copy_.destination_stride != 1;
        const shape::Expr stride = apart ? exprs_.mul(exprs_.constant(copy_.destination_stride), target_strides_[axis]) : target_strides_[axis];
        if (from < 0) {
            run_.push_back({copy_.region[axis], {zero_, stride}});
            return;
        }
        const auto in = static_cast<std::size_t>(from);
        const shape::Expr step = copy_.stride[axis];
        if (copy_.outside == SampleMode::kSTRICT_BOUNDS ||
            stays_inside(exprs_, copy_.start[in], step, copy_.region[axis], source_.dims[in])) {
            run_.push_back({copy_.region[axis], {exprs_.mul(step, source_strides_[in]), stride}});
            return;
        }
        if (std::ranges::count(copy_.axis_of, from) > 1) {
            plan_.refusal = text("two axes of the output walk along axis ", from, " of the input, which may be left there");
        }
        flush();
        plan_.bounds.push_back({plan_.axes.size(), copy_.start[in], step, source_.dims[in]});
        plan_.axes.push_back({copy_.region[axis], {source_strides_[in], stride}});
        bounded_.push_back(in);
    }

    // Axes between two bounded ones merge with each other.
    void flush() {
        for (const StridedAxis& axis : collapse(exprs_, run_)) {
            if (!run_.empty() && !exprs_.is(axis.extent, 1)) {
                plan_.axes.push_back(axis);
            }
        }
        run_.clear();
    }

    void add_bases() {
        for (std::size_t in = 0; in < source_.dims.size(); ++in) {
            if (std::ranges::find(bounded_, in) == bounded_.end()) {
                plan_.source_base = exprs_.add(plan_.source_base, exprs_.mul(copy_.start[in], source_strides_[in]));
            }
        }
        if (copy_.destination_axis >= 0) {
            plan_.target_base = exprs_.mul(copy_.destination_offset, target_strides_[static_cast<std::size_t>(copy_.destination_axis)]);
        }
    }

    shape::ExprPool& exprs_;
    const Copy& copy_;
    const Value& source_;
    const Value& target_;
    shape::Exprs source_strides_, target_strides_;
    shape::Expr zero_;
    std::vector<StridedAxis> run_;
    std::vector<std::size_t> bounded_; // input axes
    CopyPlan plan_;
};

} // namespace

shape::Expr CopyPlan::count(shape::ExprPool& exprs) const {
    shape::Expr count = exprs.constant(1);
    for (const StridedAxis& axis : axes) {
        count = exprs.mul(count, axis.extent);
    }
    return count;
}

CopyPlan plan_copy(shape::ExprPool& exprs, const Copy& copy, const Value& source, const Value& target) {
    return Planner(exprs, copy, source, target).run();
}

bool moves_in_units(const shape::ExprPool& exprs, const CopyPlan& plan, std::int64_t factor) {
    const StridedAxis& inner = plan.axes.back();
    const bool bounded = std::ranges::any_of(plan.bounds, [&](const CopyBound& bound) { return bound.axis + 1 == plan.axes.size(); });
    if (bounded || !exprs.is(inner.strides[kSource], 1) || !exprs.is(inner.strides[kTarget], 1) ||
        !is_multiple_of(exprs, inner.extent, factor) || !is_multiple_of(exprs, plan.source_base, factor) ||
        !is_multiple_of(exprs, plan.target_base, factor)) {
        return false;
    }
    return std::all_of(plan.axes.begin(), plan.axes.end() - 1, [&](const StridedAxis& axis) {
        return is_multiple_of(exprs, axis.strides[kSource], factor) && is_multiple_of(exprs, axis.strides[kTarget], factor);
    });
}

CopyPlan in_units(shape::ExprPool& exprs, CopyPlan plan, std::int64_t factor) {
    const shape::Expr divisor = exprs.constant(factor);
    for (std::size_t i = 0; i + 1 < plan.axes.size(); ++i) {
        for (shape::Expr& stride : plan.axes[i].strides) {
            stride = exprs.floor_div(stride, divisor);
        }
    }
    plan.axes.back().extent = exprs.floor_div(plan.axes.back().extent, divisor);
    plan.source_base = exprs.floor_div(plan.source_base, divisor);
    plan.target_base = exprs.floor_div(plan.target_base, divisor);
    return plan;
}

} // namespace tensorvk::tactics
