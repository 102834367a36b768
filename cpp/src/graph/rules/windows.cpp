#include "graph/rules/windows.hpp"

#include <algorithm>

#include "support/checked.hpp"

namespace tensorvk::graph::rules {

namespace {

void check_vector(RuleContext& context, std::vector<std::int64_t>& values, std::size_t count, std::int64_t missing,
                  std::int64_t smallest, const char* what) {
    if (values.empty()) {
        values.assign(count, missing);
    }
    if (values.size() != count) {
        context.fail("has a ", what, " of ", values.size(), " numbers for a window of ", count, " axes.");
    }
    for (const std::int64_t value : values) {
        if (value < smallest || value > kLargestWindowNumber) {
            context.fail("has the ", what, " ", value, "; allowed are ", smallest, " to ", kLargestWindowNumber, ".");
        }
    }
}

bool is_same(PaddingMode mode) {
    return mode == PaddingMode::kSAME_UPPER || mode == PaddingMode::kSAME_LOWER;
}

} // namespace

std::size_t check_window(RuleContext& context, const Window& w, const Tensor& x) {
    const std::size_t spatial = w.size.size();
    if (spatial == 0 || spatial > 3) {
        context.fail("has a window of ", spatial, " axes; 1 to 3 are possible.");
    }
    if (x.dims.size() != spatial + 2) {
        const bool no_batch = x.dims.size() + 1 == spatial + 2; // what TensorRT 7 called an implicit batch
        context.fail("has a window of ", spatial, " axes and needs an input of ", spatial + 2,
                     " dimensions (N, C, spatial axes); '", x.name, "' is ", context.str(x.dims), ".",
                     no_batch ? " Networks here always have explicit batch: declare the input as [N, C, ...]." : "");
    }
    std::vector<std::int64_t> size = w.size;
    check_vector(context, size, spatial, 1, 1, "window size");
    check_vector(context, w.stride, spatial, 1, 1, "stride");
    check_vector(context, w.dilation, spatial, 1, 1, "dilation");
    check_vector(context, w.pre, spatial, 0, 0, "pre-padding");
    check_vector(context, w.post, spatial, 0, 0, "post-padding");
    return spatial;
}

void resolve_same_padding(RuleContext& context, const Window& w, const Tensor& x) {
    if (!is_same(w.mode)) {
        return;
    }
    for (std::size_t i = 0; i < w.size.size(); ++i) {
        const std::int64_t reach = (w.size[i] - 1) * w.dilation[i] + 1;
        std::int64_t total = reach - 1;
        if (w.stride[i] != 1) {
            const auto extent = context.pool().value(x.dims[i + 2]);
            if (!extent) {
                context.unsupported("has SAME padding with stride ", w.stride[i], " on axis ", i + 2, " of '", x.name,
                                    "', whose extent is only known at run time; give explicit padding instead.");
            }
            const std::int64_t out = checked_add(*extent, w.stride[i] - 1) / w.stride[i];
            total = std::max<std::int64_t>((out - 1) * w.stride[i] + reach - *extent, 0);
        }
        const std::int64_t smaller = total / 2;
        w.pre[i] = w.mode == PaddingMode::kSAME_UPPER ? smaller : total - smaller;
        w.post[i] = total - w.pre[i];
    }
}

shape::Expr windowed_extent(RuleContext& context, const Window& w, const Tensor& x, std::size_t i) {
    shape::ExprPool& pool = context.pool();
    const shape::Expr in = x.dims[i + 2];
    const shape::Expr stride = pool.constant(w.stride[i]);
    if (is_same(w.mode)) {
        return pool.ceil_div(in, stride);
    }
    const std::int64_t reach = (w.size[i] - 1) * w.dilation[i] + 1;
    const shape::Expr room = pool.add(in, pool.constant(w.pre[i] + w.post[i] - reach));
    const bool up = w.mode == PaddingMode::kEXPLICIT_ROUND_UP;
    shape::Expr out = pool.add(up ? pool.ceil_div(room, stride) : pool.floor_div(room, stride), pool.constant(1));
    const bool empty = pool.is(in, 0) && pool.is(out, 0);
    if (const auto space = pool.value(room); space && *space < 0 && !empty) {
        context.fail("has a window that reaches over ", reach, " elements of axis ", i + 2, ", but '", x.name, "' ",
                     context.str(x.dims), " has only ", *pool.value(in), " there and ", w.pre[i] + w.post[i],
                     " of padding.");
    }
    if (up && w.post[i] + w.stride[i] >
                  reach) { // a last window that would begin in the padding behind the data does not count
        out = pool.min(out, pool.ceil_div(pool.add(in, pool.constant(w.pre[i])), stride));
    }
    return out;
}

void require_not_empty(RuleContext& context, shape::Expr extent, const Tensor& x, std::size_t axis) {
    if (const auto value = context.pool().value(extent); value && *value < 1) {
        context.fail("would have an output of ", *value, " elements on axis ", axis, " from the input '", x.name, "' ",
                     context.str(x.dims), ".");
    }
}

} // namespace tensorvk::graph::rules
