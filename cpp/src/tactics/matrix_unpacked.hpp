// Matrix products whose factors kernels read where they lie, nothing packed: what product.hpp's tactics pack in every run or do not take, such
// as a second factor of several matrices or of float16, or of few bits in blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tactics/matrix_problem.hpp"

namespace tensorvk::tactics {

//! A product before it is lowered. Where one second factor is for all matrices of the first, whose rows run on in memory, they are seen as one matrix.
struct Unpacked {
    Unpacked(const MatrixProblem& problem, const Query& query);

    MatrixProblem given;
    bool one_matrix;
    std::optional<std::int64_t> rows{}, columns{}, depth{}; // as it is seen; nullopt: dynamic
    std::int64_t most_depth = 0;                            // as far as the profiles tell
    std::string refusal;                                    // why no kernel of this kind is for it, or empty

    //! As it is seen.
    [[nodiscard]] MatrixProblem problem(shape::ExprPool& exprs) const;
};

//! What a workgroup takes of the device.
struct UnpackedNeeds {
    std::int64_t rows, columns, shared_bytes, threads;
};
//! Why a device has no such workgroups, or a product is so small beside the tile that a smaller one is better, or empty.
[[nodiscard]] std::string refuse_unpacked_tile(const UnpackedNeeds& tile, const Unpacked& product, const vulkan::DeviceCaps& caps);

//! One step of a kernel with shaders/matrix/tiles.glsl: as many workgroups as there are tiles, factors loaded in units of `unit` elements where all of
//! them begin at multiples of that. The caller adds the geometry from 4 on.
[[nodiscard]] StepBuilder unpacked_step(const MatrixProblem& problem, const std::string& kernel, std::int64_t rows, std::int64_t columns, std::int64_t unit,
                                        Lowering& lowering);

} // namespace tensorvk::tactics
