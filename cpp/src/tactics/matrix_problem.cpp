#include "tactics/matrix_problem.hpp"

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::tactics {

MatrixProblem::MatrixProblem(const Query& query)
    : operation(query.operation), a(query.input(0)), b(query.input(1)), c(query.output()) {
    if (operation.has_bias) bias = query.input(2).buffer;
    if (a.dims.size() < 2 || b.dims.size() < 2 || c.dims.size() < 2) {
        throw Unsupported(text("Matrix product '", operation.name, "': its factors have ranks ", a.dims.size(), " and ",
                               b.dims.size(), "; both need rank 2 or more, reshape vectors to matrices first."));
    }
    const std::size_t rank = a.dims.size();
    m = a.dims[product().transpose_a ? rank - 1 : rank - 2];
    k = a.dims[product().transpose_a ? rank - 2 : rank - 1];
    n = c.dims.back();
    roles = matrix_roles(c.dims.size());
    variant = product_variant(query);
}

std::int32_t MatrixProblem::type_bits() const {
    const auto bit = [](const Value& value, std::int32_t mask) { return is_short_float(value.dtype) ? mask : 0; };
    return bit(a, 1) | bit(c, 2) | bit(b, 4);
}

FactorStrides factor_strides(Lowering& lowering, const Value& factor, bool transpose, std::size_t result_rank) {
    const shape::Exprs strides = lowering.strides(factor);
    const std::size_t rank = factor.dims.size();
    FactorStrides out{strides[rank - 2], strides[rank - 1], {}};
    if (transpose) std::swap(out.row, out.column);
    const shape::Expr zero = lowering.exprs().constant(0);
    for (std::size_t axis = 0; axis + 2 < result_rank; ++axis) {
        const bool present = axis + rank >= result_rank;
        const std::size_t own = axis + rank - result_rank;
        out.batch.push_back(present && !lowering.exprs().is(factor.dims[own], 1) ? strides[own] : zero);
    }
    return out;
}

} // namespace tensorvk::tactics
