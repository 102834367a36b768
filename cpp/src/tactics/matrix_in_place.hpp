// Matrix products whose factors kernels read where they lie, nothing packed: what product.hpp's tactics pack in every run or do not take, such
// as a second factor of several matrices or of float16.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tactics/matrix_problem.hpp"

namespace tensorvk::tactics {

//! A product before it is lowered. Where one second factor is for all matrices of the first, whose rows run on in memory, they are seen as one matrix.
class InPlace {
  public:
    InPlace(const MatrixProblem& problem, const Query& query);

    //! Why no kernel of this kind is for the product, or empty.
    [[nodiscard]] const std::string& refusal() const { return refusal_; }
    [[nodiscard]] const MatrixProblem& problem() const { return seen_; }
    [[nodiscard]] std::optional<std::int64_t> rows() const { return exprs_.value(seen_.m); }
    [[nodiscard]] std::optional<std::int64_t> columns() const { return exprs_.value(seen_.n); }
    [[nodiscard]] std::optional<std::int64_t> depth() const { return exprs_.value(seen_.k); }
    //! The same in the expressions of a program.
    [[nodiscard]] MatrixProblem problem(Lowering& lowering) const { return one_matrix_ ? as_one_matrix(given_, lowering.exprs()) : given_; }

  private:
    [[nodiscard]] static MatrixProblem as_one_matrix(MatrixProblem problem, shape::ExprPool& exprs);

    shape::ExprPool exprs_; // a scratch copy: one matrix is made of new expressions
    MatrixProblem given_;
    bool one_matrix_;
    MatrixProblem seen_;
    std::string refusal_;
};

//! What a workgroup takes of the device.
struct InPlaceNeeds {
    std::int64_t rows, columns, shared_bytes, threads;
};
//! Why a device has no such workgroups, or a product is so small beside the tile that a smaller one is better, or empty.
[[nodiscard]] std::string refuse_in_place_tile(const InPlaceNeeds& tile, const InPlace& product, const vulkan::DeviceCaps& caps);

//! One step of a kernel with shaders/matrix/tiles.glsl: as many workgroups as there are tiles, factors loaded in units of `unit` elements where all of
//! them begin at multiples of that. The caller adds the geometry from 4 on.
[[nodiscard]] StepBuilder in_place_step(const MatrixProblem& problem, const std::string& kernel, std::int64_t rows, std::int64_t columns, std::int64_t unit, Lowering& lowering);

} // namespace tensorvk::tactics
