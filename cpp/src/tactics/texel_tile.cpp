#include "tactics/texel_tile.hpp"

#include <algorithm>

namespace tensorvk::tactics {
namespace {

std::int64_t groups_of(std::int64_t count, std::int64_t each) { return (count + each - 1) / each; }

//! What a fetch of inputs costs more where neighbouring lanes take neighbouring positions: positions whose distance divides the size of a way
//! of the first cache (4 KiB) push each other out of it before all of a line is used.
double scattered_fetch(const TileGeometry& tile, const TexelProduct& product) {
    if (!tile.lanes_on_rows) return 0.0;
    return product.row_bytes % 1024 == 0 ? 60.0 : product.row_bytes % 512 == 0 ? 30.0 : 0.0;
}

} // namespace

std::int64_t TexelProduct::depth_step() const {
    if (input_vectors) return 4;
    std::int64_t step = 4;
    while (channels % step != 0) --step;
    return step;
}

double texel_instructions(const TileGeometry& tile, const TexelProduct& product) {
    constexpr double kMultiplyAdd = 2.6, kKeepSum = 4.0, kPickElement = 10.0; // of eight numbers; sums are loaded, selected and stored once a round
    const auto step = static_cast<double>(product.depth_step());
    const double sums = tile.rows * tile.vectors;
    const double inputs =
        tile.rows * (product.input_vectors ? kTexelFetch + scattered_fetch(tile, product) : step * (kTexelFetch + kPickElement));
    const double round = inputs + kTexelFetch * step * tile.vectors + 4 * sums * (step * kMultiplyAdd + kKeepSum);
    const auto rounds = static_cast<double>(product.taps * product.channels) / step;
    const std::int64_t groups = groups_of(product.rows, tile.rows_of_group()) * groups_of(product.columns, texel_columns(tile)) * product.parts;
    return static_cast<double>(groups) * (rounds * round + sums * kTexelStore);
}

TileGeometry best_texel_tile(const TexelProduct& product) {
    return *std::ranges::min_element(kTexelTiles, {}, [&](const TileGeometry& tile) { return texel_instructions(tile, product); });
}

void add_texel_tile(StepBuilder& step, Lowering& lowering, const TileGeometry& tile, const TexelProduct& product, shape::Expr rows,
                    bool output_vectors, bool always_inside) {
    shape::ExprPool& exprs = lowering.exprs();
    step.local_size(tile.lanes);
    add_tile_grid(step, exprs, exprs.ceil_div(rows, exprs.constant(tile.rows_of_group())), groups_of(product.columns, texel_columns(tile)),
                  product.parts);
    step.geometry(2, product.input_vectors ? 1 : 0).geometry(3, output_vectors ? 1 : 0).geometry(4, tile.rows).geometry(5, tile.vectors);
    step.geometry(6, tile.lanes_on_rows ? 1 : 0).geometry(7, always_inside ? 1 : 0);
    step.geometry(8, static_cast<std::int32_t>(product.depth_step()));
}

} // namespace tensorvk::tactics
