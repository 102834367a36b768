// Tiles of convolutions whose windows overlap, on matrix units: each part of the picture is gathered once for all taps (shaders/convolution/halo.glsl).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tactics/product.hpp"

namespace tensorvk::tactics {

//! Of `lines` lines of 16 positions, by channels.
struct HaloTile {
    std::int32_t lines, columns, chunk;    // of a workgroup; input channels at a time
    std::int32_t warp_lines, warp_columns; // of a subgroup
    std::int32_t sharing = 1;              // subgroups that have a part of the tile, each some of the channels
    [[nodiscard]] constexpr std::int32_t subgroups() const { return (lines / warp_lines) * (columns / warp_columns) * sharing; }
    [[nodiscard]] constexpr std::int32_t threads() const { return 32 * subgroups(); }
};

//! What kernels count on: loads of all threads, and rounds of the epilogue, cover whole pixels and rows. `unit`: channels of sixteen bytes.
[[nodiscard]] constexpr bool fits(const HaloTile& tile, std::int32_t unit) {
    const bool chunk = (tile.chunk == 16 || tile.chunk == 32 || tile.chunk == 64) && tile.chunk >= 2 * unit;
    const bool columns = tile.columns == 32 || tile.columns == 64 || tile.columns == 128;
    const bool subgroups = tile.lines % tile.warp_lines == 0 && tile.columns % tile.warp_columns == 0;
    const bool turns = tile.chunk >= 2 * unit * tile.sharing && 16 % (tile.sharing * 32 / (tile.warp_columns / 4)) == 0;
    return chunk && columns && subgroups && turns && tile.threads() % (8 * tile.chunk / unit) == 0 && 32 % (tile.warp_columns / 4) == 0 && tile.warp_columns >= 16;
}

//! A tile for a convolution, whose channels are cut into slices.
struct Halo {
    HaloTile tile;
    Product::Window window;
    std::int64_t unit = 8;   // channels of sixteen bytes
    std::int64_t splits = 1;
    std::optional<std::int64_t> tiles{}; // of positions in all pictures; nullopt: dynamic

    //! "<prefix>_4x32x32_w8_s2_k2".
    [[nodiscard]] std::string name(const std::string& prefix) const;
    //! Why this one is not for the product, or empty.
    [[nodiscard]] std::string refuse(const Product& product, const Query& query) const;
    //! As estimated_us(); 0: no estimate.
    [[nodiscard]] double estimate(ProductShape shape) const;
    //! Workgroups, grid, parameters P(0) .. P(29) and geometry 3 .. 9, 12 and 15 .. 24.
    void add(StepBuilder& step, Lowering& lowering, const Product& product, const Packing& packing) const;

  private:
    [[nodiscard]] std::int64_t taps() const { return window.kernel[1] * window.kernel[2]; }
    //! That windows of so many positions in a row cover along axis 1 or 2.
    [[nodiscard]] std::int64_t covered(std::int64_t positions, std::size_t axis) const;
    [[nodiscard]] std::int64_t pixels() const;
    //! Of sixteen bytes, of a chunk.
    [[nodiscard]] std::int64_t weight_units() const;
    [[nodiscard]] std::int64_t shared_bytes() const;
};

//! Candidates with each of the tiles, without slices and with as many as busy a large GPU, or one that says `refusal` or why the convolution has no such tiles.
[[nodiscard]] std::vector<Candidate> halo_candidates(const std::string& name, const std::string& refusal, std::span<const HaloTile> tiles, std::int64_t unit, const Product& product,
                                                     const Query& query, void (*lower)(const Product&, const Halo&, Lowering&));

} // namespace tensorvk::tactics
