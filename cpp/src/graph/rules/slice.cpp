// Slice: start, size and stride per axis, as attributes or shape tensors; also padding (kFILL with a negative start),
// tiling (kWRAP) and repetition (stride 0).
#include <algorithm>
#include <numeric>

#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

struct Region {
    Exprs start, size, stride; // one per axis of the input
};

std::vector<std::size_t> sliced_axes(RuleContext& context, const SliceAttributes& a, std::size_t rank) {
    const auto given = shape_argument(context, 5, a.axes, "axes");
    std::vector<std::size_t> axes(rank);
    std::iota(axes.begin(), axes.end(), std::size_t{0});
    if (!given) {
        return axes;
    }
    const auto values = numbers(context.pool(), *given);
    if (!values) {
        context.fail("has axes that depend on dynamic dimensions; they have to be constant.");
    }
    axes.clear();
    for (const std::int64_t value : *values) {
        const std::size_t axis = context.axis(value, rank);
        if (std::find(axes.begin(), axes.end(), axis) != axes.end()) {
            context.fail("names axis ", axis, " twice.");
        }
        axes.push_back(axis);
    }
    return axes;
}

Exprs argument(RuleContext& context, std::size_t index, std::span<const std::int64_t> attribute, std::size_t count,
               std::optional<std::int64_t> missing, const char* what) {
    const auto given = shape_argument(context, index, attribute, what);
    if (!given && (missing || count == 0)) {
        return Exprs(count, context.pool().constant(missing.value_or(0)));
    }
    if (!given || given->size() != count) {
        context.fail("has a ", what, " of ", given ? given->size() : 0, " numbers for ", count, " sliced axes.");
    }
    return *given;
}

Region region_of(RuleContext& context, const Tensor& x) {
    const auto& a = context.attributes<SliceAttributes>();
    const std::vector<std::size_t> axes = sliced_axes(context, a, x.dims.size());
    const Exprs start = argument(context, 1, a.start, axes.size(), std::nullopt, "start");
    const Exprs size = argument(context, 2, a.size, axes.size(), std::nullopt, "size");
    const Exprs stride = argument(context, 3, a.stride, axes.size(), 1, "stride");
    shape::ExprPool& pool = context.pool();
    Region region{Exprs(x.dims.size(), pool.constant(0)), x.dims, Exprs(x.dims.size(), pool.constant(1))};
    for (std::size_t i = 0; i < axes.size(); ++i) {
        region.start[axes[i]] = start[i];
        region.size[axes[i]] = size[i];
        region.stride[axes[i]] = stride[i];
    }
    return region;
}

Expr below(shape::ExprPool& pool, Expr a, Expr b) {
    return pool.make(shape::ExprOp::kLESS, a, b);
}

//! What only the run time can tell: `condition` (0 or 1) holds, or the region has no elements.
void note(RuleContext& context, Expr condition, Expr size) {
    shape::ExprPool& pool = context.pool();
    const Expr one = pool.constant(1);
    if (condition != one) {
        context.layer().constraints.push_back({pool.max(below(pool, size, one), condition), one});
    }
}

//! What is repeated has elements.
void note_elements(RuleContext& context, const Tensor& x, const Region& region, std::size_t axis) {
    shape::ExprPool& pool = context.pool();
    note(context, below(pool, pool.constant(0), x.dims[axis]), region.size[axis]);
}

//! A region lies within the input.
void note_bounds(RuleContext& context, const Tensor& x, const Region& region, std::size_t axis) {
    shape::ExprPool& pool = context.pool();
    const Expr start = region.start[axis];
    if (region.size[axis] == x.dims[axis] && pool.is(start, 0) && pool.is(region.stride[axis], 1)) {
        return;
    }
    const Expr last = pool.add(start, pool.mul(pool.sub(region.size[axis], pool.constant(1)), region.stride[axis]));
    const Expr behind = below(pool, pool.constant(-1), pool.min(start, last));
    note(context, pool.mul(behind, below(pool, pool.max(start, last), x.dims[axis])), region.size[axis]);
}

//! What is read along one axis must exist.
void check_axis(RuleContext& context, const Tensor& x, const Region& region, std::size_t axis, SampleMode mode) {
    const shape::ExprPool& pool = context.pool();
    const auto size = pool.value(region.size[axis]);
    if (size && *size < 0) {
        context.fail("has the size ", *size, " on axis ", axis, "; sizes must not be negative.");
    }
    const auto start = pool.value(region.start[axis]);
    const auto stride = pool.value(region.stride[axis]);
    const auto extent = pool.value(x.dims[axis]);
    const bool repeats = mode == SampleMode::kCLAMP || mode == SampleMode::kWRAP || mode == SampleMode::kREFLECT;
    if (repeats && extent == 0 && size.value_or(0) > 0) {
        context.fail("repeats elements of axis ", axis, " of '", x.name, "' ", context.str(x.dims),
                     ", which has none; only a constant can fill it.");
    }
    if (repeats && !extent && size != 0 && region.size[axis] != x.dims[axis]) {
        note_elements(context, x, region, axis);
    }
    if (mode != SampleMode::kSTRICT_BOUNDS || size == 0) {
        return;
    }
    if (!size || !start || !stride || !extent) {
        return note_bounds(context, x, region, axis);
    }
    const std::int64_t last =
        shape::apply(shape::ExprOp::kADD, *start, shape::apply(shape::ExprOp::kMUL, *size - 1, *stride));
    if (*start < 0 || *start >= *extent || last < 0 || last >= *extent) {
        context.fail("reads elements ", *start, " to ", last, " of axis ", axis, " of '", x.name, "' ",
                     context.str(x.dims), "; allowed are 0 to ", *extent - 1,
                     ", or a mode that defines what lies outside.");
    }
}

std::optional<Exprs> sliced_values(RuleContext& context, const Tensor& x, const Region& region, SampleMode mode) {
    const shape::ExprPool& pool = context.pool();
    const auto dims = numbers(pool, x.dims);
    const auto start = numbers(pool, region.start);
    const auto size = small_extents(pool, region.size);
    const auto stride = numbers(pool, region.stride);
    if (!x.values || mode != SampleMode::kSTRICT_BOUNDS || !dims || !start || !size || !stride) {
        return std::nullopt;
    }
    std::vector<std::size_t> axis_of(dims->size());
    std::iota(axis_of.begin(), axis_of.end(), std::size_t{0});
    return pick(*x.values, *dims, *size, axis_of, *start, *stride);
}

} // namespace

std::vector<Inferred> slice(RuleContext& context) {
    const Tensor& x = context.input(0);
    const SampleMode mode = context.attributes<SliceAttributes>().mode;
    if (const Tensor* fill = context.optional_input(4)) {
        context.require_same_type(x, *fill);
    }
    const Region region = region_of(context, x);
    for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
        check_axis(context, x, region, axis, mode);
    }
    return {{x.dtype, region.size, sliced_values(context, x, region, mode)}};
}

} // namespace tensorvk::graph::rules
