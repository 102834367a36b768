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

constexpr std::array kRules{
    OperatorRule{kReadValues, 1, 1, read_values},
    OperatorRule{"NonZero", 1, 1, non_zero},
};

} // namespace

std::span<const OperatorRule> selection_rules() { return kRules; }

} // namespace tensorvk::graph
