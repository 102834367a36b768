// Operators whose result depends on which elements are chosen.
#include <array>

#include "graph/operators.hpp"

namespace tensorvk::graph {

namespace {

std::vector<Inferred> read_values(RuleContext&) { return {}; }

//! int64 [rank, count].
std::vector<Inferred> non_zero(RuleContext& context) {
    const Tensor& x = context.input(0);
    shape::ExprPool& pool = context.pool();
    const shape::Expr rank = pool.constant(static_cast<std::int64_t>(x.dims.size()));
    return {{DataType::kINT64, {rank, context.unknown(0, 1, pool.product(x.dims))}}};
}

//! TensorRT's Assertion: what has to be true whenever shapes are set.
std::vector<Inferred> assertion(RuleContext& context) {
    shape::ExprPool& pool = context.pool();
    for (const shape::Expr e : context.values(0)) {
        if (pool.is(e, 0)) {
            context.fail("is not true: ", context.attributes<OperatorAttributes>().attributes.text("message"));
        }
        context.layer().constraints.push_back({e, pool.constant(1)});
    }
    return {};
}

constexpr std::array kRules{
    OperatorRule{"Assertion", 1, 1, assertion},
    OperatorRule{kReadValues, 1, 1, read_values},
    OperatorRule{"NonZero", 1, 1, non_zero},
};

} // namespace

std::span<const OperatorRule> selection_rules() { return kRules; }

} // namespace tensorvk::graph
