// Winograd's convolution of 3 x 3 taps at stride 1 (shaders/convolution/winograd.glsl): tiles of the picture become points, each point is a matrix product over the
// channels, which any kernel for products computes, and the products of a tile become outputs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tactics/product.hpp"

namespace tensorvk::tactics {

//! Outputs of a tile.
struct WinogradTile {
    std::int64_t lines, columns;
    [[nodiscard]] constexpr std::int64_t points() const { return (lines + 2) * (columns + 2); }
};

//! How a convolution goes through points.
struct WinogradWay {
    ConvolutionProblem problem;
    Product direct; // whose input is read and whose output is written
    WinogradTile tile;
    std::int64_t tiles;             // of all pictures
    std::int64_t channels, columns; // of a point in memory: those of the convolution, or some more
    DataType type;                  // of the points in memory
    bool texels = false;            // kernels of CPU drivers

    [[nodiscard]] std::int64_t bytes(std::int64_t channels_or_columns) const;
    //! The product between; `inputs` and `sums` are buffers, which its shape does not depend on.
    [[nodiscard]] Product points(std::int32_t inputs = -1, std::int32_t sums = -1) const;
};

//! Tiles of all pictures; nullopt where a shape is dynamic.
[[nodiscard]] std::optional<std::int64_t> winograd_tiles(const ConvolutionProblem& problem, const WinogradTile& tile, const shape::ExprPool& exprs);
//! Why a convolution is none of those, or empty.
[[nodiscard]] std::string refuse_winograd(const ConvolutionProblem& problem, const Query& query);
//! Why the points do not fit into what the device binds, or empty.
[[nodiscard]] std::string refuse_points(const WinogradWay& way, const vulkan::DeviceCaps& caps);

//! The steps; `multiply` adds those of the product.
void lower_winograd(const WinogradWay& way, Lowering& lowering, const Multiply& multiply);

//! What GPUs may do, whether it pays or not; convolution_winograd_products() leaves out what does not.
[[nodiscard]] std::vector<Candidate> winograd_candidates(const ConvolutionProblem& problem, const Query& query);

} // namespace tensorvk::tactics
