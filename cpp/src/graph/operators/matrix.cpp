// Products of matrices that no layer computes.
#include <algorithm>
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

//! numpy's matmul: a vector is a row on the left and a column on the right, and its axis is not in the result.
std::vector<Inferred> matmul(RuleContext& context) {
    const Tensor& a = context.input(0);
    const Tensor& b = context.input(1);
    context.require_same_type(a, b);
    if (is_floating(a.dtype) || a.dtype == DataType::kBOOL) {
        context.fail("multiplies integers; '", a.name, "' is ", dtype_name(a.dtype), ".");
    }
    if (a.dims.empty() || b.dims.empty()) {
        context.fail("multiplies matrices; a scalar was given.");
    }
    const std::size_t a_batch = a.dims.size() - std::min<std::size_t>(a.dims.size(), 2);
    const std::size_t b_batch = b.dims.size() - std::min<std::size_t>(b.dims.size(), 2);
    const shape::Expr rows = b.dims.size() == 1 ? b.dims[0] : b.dims[b_batch];
    (void)context.same(a.dims.back(), rows, "inner dimensions of the matrices");
    shape::Exprs dims;
    const std::size_t rank = std::max(a_batch, b_batch);
    const auto batch = [&](const Tensor& x, std::size_t count, std::size_t i) {
        return i + count < rank ? context.pool().constant(1) : x.dims[i + count - rank];
    };
    for (std::size_t i = 0; i < rank; ++i) {
        dims.push_back(context.broadcast(batch(a, a_batch, i), batch(b, b_batch, i), "batches of matrices"));
    }
    if (a.dims.size() > 1) {
        dims.push_back(a.dims[a_batch]);
    }
    if (b.dims.size() > 1) {
        dims.push_back(b.dims.back());
    }
    return one(a.dtype, std::move(dims));
}

constexpr std::array kRules{OperatorRule{"MatMul", 2, 2, matmul}};

} // namespace

std::span<const OperatorRule> matrix_rules() { return kRules; }

} // namespace tensorvk::graph
