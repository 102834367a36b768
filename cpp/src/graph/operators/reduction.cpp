// Along axes: reductions whose axes are data, running sums, order.
#include <algorithm>
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

//! Extents after a reduction along axes that only running tells: each is 1 or what it was.
shape::Exprs reduced_along_data(const RuleContext& context, std::size_t axes, bool keep) {
    const Tensor& x = context.input(0);
    if (axes > x.dims.size()) {
        context.fail("reduces ", axes, " axes of '", x.name, "' ", context.str(x.dims), ".");
    }
    const std::size_t rank = keep ? x.dims.size() : x.dims.size() - axes;
    shape::Exprs dims;
    for (std::size_t i = 0; i < rank; ++i) {
        const auto candidates = keep ? std::span(x.dims).subspan(i, 1) : std::span(x.dims).subspan(i, axes + 1);
        dims.push_back(context.unknown(0, static_cast<int>(i), largest(context, candidates)));
    }
    return dims;
}

//! Extents after a reduction along known axes; none means all.
shape::Exprs reduced_along(const RuleContext& context, const std::vector<std::int64_t>& axes, bool keep) {
    const Tensor& x = context.input(0);
    std::vector<bool> reduced(x.dims.size(), axes.empty());
    for (const std::int64_t axis : axes) {
        reduced[context.axis(axis, x.dims.size())] = true;
    }
    shape::Exprs dims;
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
        if (!reduced[i] || keep) {
            dims.push_back(reduced[i] ? context.pool().constant(1) : x.dims[i]);
        }
    }
    return dims;
}

std::vector<Inferred> reduce(RuleContext& context) {
    const Tensor& x = context.input(0);
    const AttributeSet& a = attributes_of(context);
    const bool keep = a.flag("keepdims", true);
    const std::size_t count = context.optional_input(1) == nullptr ? a.integers("axes").size() : element_count(context, 1);
    if (count == 0 && a.flag("noop_with_empty_axes")) {
        return like_input(context, 0);
    }
    if (count == 0 || count == x.dims.size()) { // all, whichever comes first
        return one(x.dtype, reduced_along(context, {}, keep));
    }
    if (context.optional_input(1) == nullptr) {
        return one(x.dtype, reduced_along(context, a.integers("axes"), keep));
    }
    const auto known = known_numbers(context, 1);
    return one(x.dtype, known ? reduced_along(context, *known, keep) : reduced_along_data(context, count, keep));
}

std::vector<Inferred> top_k(RuleContext& context) {
    const Tensor& x = context.input(0);
    shape::Exprs dims = x.dims;
    const std::size_t axis = context.axis(attributes_of(context).integer("axis", -1), dims.size());
    dims[axis] = extent_argument(context, 1, "K");
    context.at_most(dims[axis], x.dims[axis], text("the number K of elements to select along axis ", axis, " of '", x.name, "'"));
    std::vector<Inferred> outputs;
    outputs.push_back({x.dtype, dims});
    outputs.push_back({DataType::kINT64, dims});
    return outputs;
}

std::vector<Inferred> arg(RuleContext& context) {
    const AttributeSet& a = attributes_of(context);
    return one(DataType::kINT64, reduced_along(context, {a.integer("axis", 0)}, a.flag("keepdims", true)));
}

std::vector<Inferred> same_shape(RuleContext& context) { return like_input(context, 0); }

//! Running sums and products along an axis that is one number.
std::vector<Inferred> cumulative(RuleContext& context) {
    const Tensor& axis = context.input(1);
    if ((axis.dtype != DataType::kINT32 && axis.dtype != DataType::kINT64) || !context.pool().is(context.pool().product(axis.dims), 1)) {
        context.fail("needs one int32 or int64 as axis; '", axis.name, "' is ", dtype_name(axis.dtype), " ", context.str(axis.dims), ".");
    }
    if (const auto known = known_numbers(context, 1)) {
        (void)context.axis(known->front(), context.input(0).dims.size());
    }
    return like_input(context, 0);
}

//! Determinants of the matrices in the last two dimensions.
std::vector<Inferred> det(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    if (x.dims.size() < 2) {
        context.fail("needs square matrices; '", x.name, "' is ", context.str(x.dims), ".");
    }
    (void)context.same(x.dims[x.dims.size() - 2], x.dims.back(), "matrix extents");
    return one(x.dtype, shape::Exprs(x.dims.begin(), x.dims.end() - 2));
}

constexpr std::array kRules{
    OperatorRule{"ArgMax", 1, 1, arg},              OperatorRule{"ArgMin", 1, 1, arg},
    OperatorRule{"CumProd", 2, 2, cumulative},      OperatorRule{"CumSum", 2, 2, cumulative},
    OperatorRule{"Det", 1, 1, det},                 OperatorRule{"Hardmax", 1, 1, same_shape},
    OperatorRule{"ReduceL1", 1, 2, reduce},         OperatorRule{"ReduceL2", 1, 2, reduce},
    OperatorRule{"ReduceLogSum", 1, 2, reduce},     OperatorRule{"ReduceLogSumExp", 1, 2, reduce},
    OperatorRule{"ReduceMax", 1, 2, reduce},        OperatorRule{"ReduceMean", 1, 2, reduce},
    OperatorRule{"ReduceMin", 1, 2, reduce},        OperatorRule{"ReduceProd", 1, 2, reduce},
    OperatorRule{"ReduceSum", 1, 2, reduce},        OperatorRule{"ReduceSumSquare", 1, 2, reduce},
    OperatorRule{"TopK", 2, 2, top_k},
};

} // namespace

std::span<const OperatorRule> reduction_rules() { return kRules; }

} // namespace tensorvk::graph
