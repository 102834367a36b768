// Layers that combine the elements along axes.
#include <bit>

#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

bool has(std::uint32_t mask, std::size_t axis) {
    return (mask >> axis & 1u) != 0;
}

void require_number(RuleContext& context, const Tensor& x) {
    if (!is_floating(x.dtype) && x.dtype != DataType::kINT32 && x.dtype != DataType::kINT64 &&
        x.dtype != DataType::kINT8) {
        context.unsupported("needs a floating-point, int32 or int64 input; '", x.name, "' is ", dtype_name(x.dtype),
                     ", so insert a Cast before it.");
    }
}

//! The value of a shape vector reduced to one number.
std::optional<Exprs> reduced_values(shape::ExprPool& pool, ReduceOperation op, const Tensor& x) {
    if (!x.values || x.values->empty() || x.dims.size() != 1 || op == ReduceOperation::kAVG) {
        return std::nullopt;
    }
    Expr out = x.values->front();
    for (std::size_t i = 1; i < x.values->size(); ++i) {
        const Expr next = (*x.values)[i];
        out = op == ReduceOperation::kSUM    ? pool.add(out, next)
              : op == ReduceOperation::kPROD ? pool.mul(out, next)
              : op == ReduceOperation::kMAX  ? pool.max(out, next)
                                             : pool.min(out, next);
    }
    return Exprs{out};
}

} // namespace

std::vector<Inferred> softmax(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    context.check_axes_mask(context.attributes<SoftMaxAttributes>().axes, x.dims.size());
    return {{x.dtype, x.dims}};
}

std::vector<Inferred> reduce(RuleContext& context) {
    const Tensor& x = context.input(0);
    const auto& a = context.attributes<ReduceAttributes>();
    require_number(context, x);
    context.check_axes_mask(a.axes, x.dims.size());
    shape::Exprs dims;
    for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
        if (!has(a.axes, axis)) {
            dims.push_back(x.dims[axis]);
        } else if (a.keep_dims) {
            dims.push_back(context.pool().constant(1));
        }
    }
    return {{x.dtype, std::move(dims), reduced_values(context.pool(), a.op, x)}};
}

std::vector<Inferred> topk(RuleContext& context) {
    const Tensor& x = context.input(0);
    const auto& a = context.attributes<TopKAttributes>();
    require_number(context, x);
    context.check_axes_mask(a.axes, x.dims.size());
    if (std::popcount(a.axes) != 1) {
        context.fail("selects along exactly one axis; the axes bitmask ", a.axes, " names ", std::popcount(a.axes),
                     ".");
    }
    if (a.indices != DataType::kINT32 && a.indices != DataType::kINT64) {
        context.fail("can give its indices as int32 or int64, not as ", dtype_name(a.indices), ".");
    }
    const auto axis = static_cast<std::size_t>(std::countr_zero(a.axes));
    const Exprs k = *shape_argument(context, 1, std::vector{a.k}, "K");
    if (k.size() != 1) {
        context.fail("needs one number K; ", k.size(), " were given.");
    }
    if (const auto count = context.pool().value(k[0]); count && *count < 0) {
        context.fail("selects ", *count, " elements along axis ", axis, " of '", x.name, "' ", context.str(x.dims),
                     "; allowed are 0 to the extent.");
    }
    context.at_most(k[0], x.dims[axis], text("the number K of elements to select along axis ", axis, " of '", x.name, "'"));
    shape::Exprs dims = x.dims;
    dims[axis] = k[0];
    return {{x.dtype, dims}, {a.indices, dims}};
}

} // namespace tensorvk::graph::rules
