#include "graph/operators/window.hpp"

#include <algorithm>

#include "graph/operators/common.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;
using shape::Exprs;

constexpr std::int64_t kLargest = 1 << 20; // no real window comes near; keeps products far from overflow

//! Explicit padding: the windows that fit, rounded up when `ceil`.
Expr padded_extent(RuleContext& context, Expr in, Expr reach, std::int64_t stride, std::int64_t pre, std::int64_t post, bool ceil) {
    shape::ExprPool& pool = context.pool();
    const Expr room = pool.sub(pool.add(in, pool.constant(pre + post)), reach);
    const Expr step = pool.constant(stride);
    const Expr out = pool.add(ceil ? pool.ceil_div(room, step) : pool.floor_div(room, step), pool.constant(1));
    const bool empty = pool.is(in, 0) && pool.is(out, 0);
    if (const auto space = pool.value(room); space && *space < 0 && !empty) {
        context.fail("has a window that reaches over ", *pool.value(reach), " elements of an axis that has ", *pool.value(in), " and ",
                     pre + post, " of padding.");
    }
    const auto reached = pool.value(reach);
    if (ceil && (!reached || post + stride > *reached)) { // a last window that would begin in the padding behind the data does not count
        return pool.min(out, pool.ceil_div(pool.add(in, pool.constant(pre)), step));
    }
    return out;
}

} // namespace

std::vector<std::int64_t> per_axis(RuleContext& context, const char* name, std::size_t count, std::int64_t otherwise, std::int64_t smallest) {
    std::vector<std::int64_t> out = attributes_of(context).integers(name);
    if (out.empty()) {
        out.assign(count, otherwise);
    }
    if (out.size() != count) {
        context.fail("has ", out.size(), " numbers in '", name, "'; it needs ", count, ".");
    }
    for (const std::int64_t value : out) {
        if (value < smallest || value > kLargest) {
            context.fail("has the number ", value, " in '", name, "'; allowed are ", smallest, " to ", kLargest, ".");
        }
    }
    return out;
}

Exprs windowed_extents(RuleContext& context, const Exprs& x, const Exprs& kernel) {
    shape::ExprPool& pool = context.pool();
    const std::size_t count = kernel.size();
    if (count == 0 || x.size() != count + 2) {
        context.fail("has a window of ", count, " axes; its input ", context.str(x), " needs two dimensions more than the window.");
    }
    const auto strides = per_axis(context, "strides", count, 1, 1);
    const auto dilations = per_axis(context, "dilations", count, 1, 1);
    const std::string mode = attributes_of(context).text("auto_pad", "NOTSET");
    const bool explicit_pads = mode == "NOTSET" || mode.empty();
    if (!explicit_pads && mode != "SAME_UPPER" && mode != "SAME_LOWER" && mode != "VALID") {
        context.fail("has the padding '", mode, "'; NOTSET, VALID, SAME_UPPER and SAME_LOWER are allowed.");
    }
    const auto pads = explicit_pads ? per_axis(context, "pads", 2 * count, 0, 0) : std::vector<std::int64_t>(2 * count, 0);
    Exprs out;
    for (std::size_t i = 0; i < count; ++i) {
        const Expr in = x[i + 2];
        if (!explicit_pads && mode != "VALID") {
            out.push_back(pool.ceil_div(in, pool.constant(strides[i])));
            continue;
        }
        const Expr reach = pool.add(pool.mul(pool.sub(kernel[i], pool.constant(1)), pool.constant(dilations[i])), pool.constant(1));
        out.push_back(padded_extent(context, in, reach, strides[i], pads[i], pads[i + count], attributes_of(context).flag("ceil_mode")));
    }
    return out;
}

Exprs kernel_shape(RuleContext& context) {
    const std::vector<std::int64_t> sizes = attributes_of(context).integers("kernel_shape");
    if (sizes.empty()) {
        context.fail("needs the attribute 'kernel_shape'.");
    }
    Exprs out;
    for (const std::int64_t size : per_axis(context, "kernel_shape", sizes.size(), 1, 1)) {
        out.push_back(context.pool().constant(size));
    }
    return out;
}

Exprs convolved_dims(RuleContext& context, const Tensor& x, const Tensor& w) {
    if (x.dims.size() < 3 || w.dims.size() != x.dims.size()) {
        context.fail("needs an input [N, C, spatial axes] and a kernel with as many dimensions; '", x.name, "' is ", context.str(x.dims),
                     " and '", w.name, "' ", context.str(w.dims), ".");
    }
    const std::int64_t groups = attributes_of(context).integer("group", 1);
    if (groups < 1) {
        context.fail("has ", groups, " groups.");
    }
    (void)context.same(x.dims[1], context.pool().mul(w.dims[1], context.pool().constant(groups)), "channels of input and kernel");
    const Exprs spatial = windowed_extents(context, x.dims, Exprs(w.dims.begin() + 2, w.dims.end()));
    Exprs out = {x.dims[0], w.dims[0]};
    out.insert(out.end(), spatial.begin(), spatial.end());
    return out;
}

Exprs pooled_dims(RuleContext& context, const Exprs& x) {
    const Exprs spatial = windowed_extents(context, x, kernel_shape(context));
    Exprs out = {x[0], x[1]};
    out.insert(out.end(), spatial.begin(), spatial.end());
    return out;
}

} // namespace tensorvk::graph
