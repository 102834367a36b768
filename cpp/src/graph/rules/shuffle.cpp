// Transpose, reshape, transpose.
#include <algorithm>

#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"

namespace tensorvk::graph::rules {

namespace {

//! A product of dimensions as a number times expressions that are no products themselves.
struct Factors {
    std::int64_t number = 1;
    Exprs symbolic;
};

Factors factors_of(const shape::ExprPool& pool, const Exprs& dims) {
    Factors out;
    Exprs open(dims.rbegin(), dims.rend());
    while (!open.empty()) {
        const Expr e = open.back();
        open.pop_back();
        const shape::ExprNode& node = pool.node(e);
        if (node.op == shape::ExprOp::kCONSTANT) {
            out.number = shape::apply(shape::ExprOp::kMUL, out.number, node.value);
        } else if (node.op == shape::ExprOp::kMUL && out.symbolic.size() + open.size() < 64) {
            open.push_back(node.b);
            open.push_back(node.a);
        } else {
            out.symbolic.push_back(e);
        }
    }
    return out;
}

//! Drops the factors that both products have.
void cancel(Factors& a, Factors& b) {
    for (auto it = a.symbolic.begin(); it != a.symbolic.end();) {
        const auto match = std::find(b.symbolic.begin(), b.symbolic.end(), *it);
        if (match == b.symbolic.end()) {
            ++it;
        } else {
            b.symbolic.erase(match);
            it = a.symbolic.erase(it);
        }
    }
}

Expr product(shape::ExprPool& pool, const Factors& f) {
    return pool.mul(pool.product(f.symbolic), pool.constant(f.number));
}

//! The dimension that -1 stands for: the input's volume divided by that of the other dimensions.
Expr inferred_extent(RuleContext& context, const Exprs& from, const Exprs& others) {
    shape::ExprPool& pool = context.pool();
    Factors in = factors_of(pool, from);
    Factors out = factors_of(pool, others);
    if (out.number == 0) {
        context.fail("reshapes ", context.str(from),
                     " with a -1 beside a dimension of 0, which leaves the -1 undefined; give the number instead.");
    }
    cancel(in, out);
    if (out.symbolic.empty() && in.number % out.number == 0) {
        in.number /= out.number;
        return product(pool, in);
    }
    if (in.symbolic.empty() && out.symbolic.empty()) {
        context.fail("cannot reshape ", context.str(from), ": its volume is no multiple of ", context.str(others),
                     ", the dimensions given beside -1.");
    }
    const Expr total = product(pool, in);
    const Expr divisor = product(pool, out);
    const Expr extent = pool.floor_div(total, divisor);
    context.layer().constraints.push_back({pool.mul(extent, divisor), total});
    return extent;
}

void check_volume(RuleContext& context, const Exprs& from, const Exprs& to) {
    shape::ExprPool& pool = context.pool();
    Factors in = factors_of(pool, from);
    Factors out = factors_of(pool, to);
    cancel(in, out);
    if (in.symbolic.empty() && out.symbolic.empty()) {
        if (in.number != out.number) {
            context.fail("cannot reshape ", context.str(from), " to ", context.str(to), ": the volumes differ.");
        }
    } else if (in.number != 0 || out.number != 0) {
        context.layer().constraints.push_back({product(pool, in), product(pool, out)});
    }
}

Exprs reshaped(RuleContext& context, const Exprs& from, Exprs to, bool zero_is_placeholder) {
    shape::ExprPool& pool = context.pool();
    std::optional<std::size_t> unknown;
    for (std::size_t i = 0; i < to.size(); ++i) {
        const auto value = pool.value(to[i]);
        if (value == 0 && zero_is_placeholder) {
            if (i >= from.size()) {
                context.fail("copies dimension ", i, " of its input ", context.str(from),
                             ", which has none there: 0 in reshape dimensions means copy.");
            }
            to[i] = from[i];
        } else if (value == -1) {
            if (unknown) {
                context.fail("has more than one -1 in its reshape dimensions; one can be inferred.");
            }
            unknown = i;
        } else if (value && *value < 0) {
            context.fail("has the reshape dimension ", *value,
                         "; allowed are -1 (infer), 0 (copy) and positive numbers.");
        }
    }
    if (!unknown) {
        check_volume(context, from, to);
        return to;
    }
    Exprs others = to;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(*unknown));
    to[*unknown] = inferred_extent(context, from, others);
    return to;
}

std::vector<std::size_t> order_of(RuleContext& context, const Permutation& permutation, std::size_t rank) {
    std::vector<std::size_t> order;
    std::uint32_t seen = 0;
    for (std::size_t i = 0; i < rank && i < static_cast<std::size_t>(Dims::MAX_DIMS); ++i) {
        const std::int32_t axis = permutation.order[i];
        if (axis < 0 || static_cast<std::size_t>(axis) >= rank || (seen >> axis & 1u) != 0) {
            context.fail("has a transpose that is no permutation of ", rank, " axes: entry ", i, " is ", axis, ".");
        }
        seen |= 1u << axis;
        order.push_back(static_cast<std::size_t>(axis));
    }
    return order;
}

void transpose(RuleContext& context, const std::optional<Permutation>& permutation, Exprs& dims,
               std::optional<Exprs>& values) {
    if (!permutation) {
        return;
    }
    const std::vector<std::size_t> order = order_of(context, *permutation, dims.size());
    Exprs out;
    for (const std::size_t axis : order) {
        out.push_back(dims[axis]);
    }
    if (values) {
        const auto from = *numbers(context.pool(), dims);
        const auto to = *numbers(context.pool(), out);
        const std::vector<std::int64_t> start(from.size(), 0);
        const std::vector<std::int64_t> stride(from.size(), 1);
        values = pick(*values, from, to, order, start, stride);
    }
    dims = std::move(out);
}

} // namespace

std::vector<Inferred> shuffle(RuleContext& context) {
    const Tensor& x = context.input(0);
    const auto& a = context.attributes<ShuffleAttributes>();
    Inferred out{x.dtype, x.dims, x.values};
    transpose(context, a.first_transpose, out.dims, out.values);
    if (context.optional_input(1) != nullptr) {
        out.dims =
            reshaped(context, out.dims, *shape_argument(context, 1, {}, "reshape dimensions"), a.zero_is_placeholder);
    } else if (a.reshape) {
        out.dims = reshaped(context, out.dims, constants(context.pool(), *a.reshape), a.zero_is_placeholder);
    }
    if (out.values && !numbers(context.pool(), out.dims)) {
        out.values.reset();
    }
    transpose(context, a.second_transpose, out.dims, out.values);
    std::vector<Inferred> outputs;
    outputs.push_back(std::move(out));
    return outputs;
}

} // namespace tensorvk::graph::rules
