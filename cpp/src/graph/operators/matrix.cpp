// Products of matrices that no layer computes.
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

std::vector<Inferred> matmul(RuleContext& context) {
    const Tensor& a = context.input(0);
    const Tensor& b = context.input(1);
    context.require_same_type(a, b);
    if (is_floating(a.dtype) || a.dtype == DataType::kBOOL) {
        context.fail("multiplies integers; '", a.name, "' is ", dtype_name(a.dtype), ".");
    }
    return one(a.dtype, multiplied_dims(context, a.dims, b.dims));
}

constexpr std::array kRules{OperatorRule{"MatMul", 2, 2, matmul}};

} // namespace

std::span<const OperatorRule> matrix_rules() { return kRules; }

} // namespace tensorvk::graph
