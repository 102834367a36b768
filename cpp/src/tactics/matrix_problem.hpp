// A matrix product as its tactics see it: c[batch..., m, n] = a[batch..., m, k] * b[batch..., k, n], strides in memory,
// batch broadcast.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tactics/epilogue.hpp"
#include "tactics/families.hpp"

namespace tensorvk::tactics {

struct MatrixProblem {
    //! Throws Unsupported for operands below rank 2.
    explicit MatrixProblem(const Query& query);

    Operation operation; // a copy: candidates outlive the call that makes them
    Value a, b, c;          // b as float32 where it lies in blocks, with their buffer
    std::int32_t bias = -1; // buffer, or -1
    std::int32_t column_sums = -1; // the same, of b where rows of a are normalised
    std::int32_t given_moments = -1, moments = -1; // the same, of a's rows where somebody has found them, and of the result's where somebody asks for them
    AxisRoles roles;
    shape::Expr m{}, n{}, k{};
    std::string variant; // product_variant()

    [[nodiscard]] const MatrixProduct& product() const { return std::get<MatrixProduct>(operation.kind); }
    [[nodiscard]] const std::optional<kernels::BlockFormat>& blocks() const { return product().blocks; }
    [[nodiscard]] std::int32_t type_bits() const;
};

//! One factor as a kernel reads it: element strides of its rows and columns (after transposition) and of the result's
//! batch axes, 0 where it is broadcast.
struct FactorStrides {
    shape::Expr row{}, column{};
    shape::Exprs batch;
};
[[nodiscard]] FactorStrides factor_strides(Lowering& lowering, const Value& factor, bool transpose,
                                           std::size_t result_rank);

//! What kernels of all products share: P(0) .. P(25), of which P(0) is `count`.
void add_matrix_sizes(StepBuilder& step, const MatrixProblem& problem, Lowering& lowering, shape::Expr count);
//! What kernels of float products share: P(0) .. P(26), of which P(0) is `count`, bindings and epilogue.
void add_matrix_product(StepBuilder& step, const MatrixProblem& problem, Lowering& lowering, shape::Expr count);
//! Why a kernel that takes rows as they are cannot have them, or empty.
[[nodiscard]] std::string refuse_normalized(const MatrixProduct& product);
//! What those parameters cannot say, or empty.
[[nodiscard]] std::string refuse_matrix_shape(const MatrixProblem& problem, const shape::ExprPool& exprs);

using MatrixTactic = std::vector<Candidate> (*)(const MatrixProblem& problem, const Query& query);

[[nodiscard]] std::vector<Candidate> matrix_blocks_vector(const MatrixProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> matrix_cpu(const MatrixProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> matrix_generic(const MatrixProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> matrix_unpacked_shared(const MatrixProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> matrix_unpacked_vector(const MatrixProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> matrix_unpacked_coopmat(const MatrixProblem& problem, const Query& query);

} // namespace tensorvk::tactics
