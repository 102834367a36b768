// The tiles of products in registers alone (shaders/convolution/tile.comp, shaders/quantized/tile.comp).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tactics/product.hpp"

namespace tensorvk::tactics {

struct TileGeometry {
    std::int32_t lanes;   // invocations of a workgroup
    std::int32_t rows;    // positions of one invocation
    std::int32_t vectors; // most fours of columns of one invocation
    bool lanes_on_rows;   // else on columns
    [[nodiscard]] std::int64_t rows_of_group() const { return lanes_on_rows ? lanes * rows : rows; }
};

[[nodiscard]] std::span<const TileGeometry> tiles_for(const vulkan::DeviceCaps& caps);
//! "<family>/tile_8x16".
[[nodiscard]] std::string tile_name(const std::string& family, const TileGeometry& tile);
//! Why a tile is not for a product of that shape, or empty.
[[nodiscard]] std::string refuse_tile(const TileGeometry& tile, const ProductShape& shape);
//! The width up to the tile's that computes all columns, padding included, in the shortest time.
[[nodiscard]] std::int32_t vectors_for(const TileGeometry& tile, std::int64_t columns);
//! Workgroup size, grid, parameters P(0) .. P(29) and geometry 2 .. 6 and 12.
void add_tile(StepBuilder& step, Lowering& lowering, const Product& product, const Packing& packing, const TileGeometry& tile);
//! One candidate for each of the device's tiles, or one that says `refusal`. `lower` adds the steps.
[[nodiscard]] std::vector<Candidate> tile_candidates(const std::string& family, const std::string& refusal, const Product& product,
                                                     const Query& query,
                                                     void (*lower)(const Product&, const TileGeometry&, Lowering&));

} // namespace tensorvk::tactics
