#include "tactics/matrix_problem.hpp"

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::size_t kBatchAxes = 6; // what kernels have parameters for

//! What a factor in blocks is as numbers: of the extents that its product's other values have.
Value widened(Value factor, const Value& a, const Value& c, const MatrixProduct& product) {
    const shape::Expr depth = a.dims[a.dims.size() - (product.transpose_a ? 2 : 1)], columns = c.dims.back();
    factor.dims = product.transpose_b ? shape::Exprs{columns, depth} : shape::Exprs{depth, columns};
    factor.dtype = DataType::kFLOAT;
    factor.known = true;
    return factor;
}

void add_batch(StepBuilder& step, const shape::Exprs& values, std::int64_t missing) {
    for (std::size_t i = values.size(); i < kBatchAxes; ++i) step.param(missing);
    step.params(values);
}

} // namespace

MatrixProblem::MatrixProblem(const Query& query)
    : operation(query.operation), a(query.input(0)), b(query.input(1)), c(query.output()) {
    if (operation.has_bias) bias = query.input(2).buffer;
    if (product().normalized) column_sums = query.input(3).buffer;
    if (product().normalized && product().normalized->given) given_moments = query.input(4).buffer;
    if (operation.companion && std::holds_alternative<RowMoments>(*operation.companion)) moments = query.value(operation.outputs.back()).buffer;
    const bool matrices = a.dims.size() >= 2 && c.dims.size() >= 2;
    if (blocks() && matrices) b = widened(b, a, c, product());
    if (!matrices || b.dims.size() < 2) {
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

void add_matrix_sizes(StepBuilder& step, const MatrixProblem& p, Lowering& lowering, shape::Expr count) {
    const FactorStrides a = factor_strides(lowering, p.a, p.product().transpose_a, p.c.dims.size());
    const FactorStrides b = factor_strides(lowering, p.b, p.product().transpose_b, p.c.dims.size());
    step.param(count).param(p.m).param(p.n).param(p.k).param(a.row).param(a.column).param(b.row).param(b.column);
    add_batch(step, {p.c.dims.begin(), p.c.dims.end() - 2}, 1);
    add_batch(step, a.batch, 0);
    add_batch(step, b.batch, 0);
}

void add_matrix_product(StepBuilder& step, const MatrixProblem& p, Lowering& lowering, shape::Expr count) {
    add_matrix_sizes(step, p, lowering, count);
    step.param(p.bias >= 0 ? 1 : 0);
    step.reads(p.a.buffer).reads(p.b.buffer).reads(p.bias >= 0 ? p.bias : p.b.buffer).writes(p.c.buffer);
    add_epilogue(step, lowering, p.operation, p.roles, p.type_bits(), p.b.buffer);
}

std::string refuse_normalized(const MatrixProduct& product) {
    return product.normalized ? "rows of the first factor are normalised on their way in, this kernel takes them as they are" : "";
}

std::string refuse_matrix_shape(const MatrixProblem& p, const shape::ExprPool& exprs) {
    if (p.c.dims.size() > kBatchAxes + 2) {
        return text("the product has rank ", p.c.dims.size(), ", the kernel takes at most ", kBatchAxes + 2);
    }
    if (!lies_in_rows(exprs, p.c)) return "the product is stored channels last, the kernel writes rows";
    return {};
}

} // namespace tensorvk::tactics
