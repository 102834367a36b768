// Products whose factors are read as texels, on CPU drivers (shaders/convolution/texel.comp): their tiles and what they cost.
#pragma once

#include <array>
#include <string>

#include "tactics/tile_geometry.hpp"

namespace tensorvk::tactics {

//! A product as the estimate sees it.
struct TexelProduct {
    std::int64_t rows, columns, channels, taps, parts;
    std::int64_t row_bytes; // from one position of the input to the next
    bool input_vectors;
    //! Channels that one round of the shader's loop takes.
    [[nodiscard]] std::int64_t depth_step() const;
};

[[nodiscard]] TexelProduct texel_product(const Product& product);

//! For lavapipe's eight lanes. Every distinct pipeline costs 0.1 to 0.3 s there, so there are few.
inline constexpr std::array<TileGeometry, 6> kTexelTiles{
    {{8, 8, 4, true}, {8, 8, 2, true}, {8, 8, 2, false}, {8, 8, 4, false}, {8, 2, 4, false}, {8, 2, 1, false}}};

//! Floats that eight lanes store at a time cost so many instructions there: a loop over lanes.
inline constexpr double kTexelStore = 350.0;
//! A fetch of 16 bytes by each of eight lanes.
inline constexpr double kTexelFetch = 55.0;

//! Columns of a workgroup: the weights' panels are as wide.
[[nodiscard]] constexpr std::int64_t texel_columns(const TileGeometry& tile) {
    return std::int64_t{4} * tile.vectors * (tile.lanes_on_rows ? 1 : tile.lanes);
}
//! Instructions of all of the product's workgroups.
[[nodiscard]] double texel_instructions(const TileGeometry& tile, const TexelProduct& product);
[[nodiscard]] TileGeometry best_texel_tile(const TexelProduct& product);

//! Workgroup size, grid over `rows` positions and geometry 2 .. 8 and 12 of a step whose weights are packed in panels of texel_columns().
void add_texel_tile(StepBuilder& step, Lowering& lowering, const TileGeometry& tile, const TexelProduct& product, shape::Expr rows,
                    bool output_vectors, bool always_inside);

} // namespace tensorvk::tactics
