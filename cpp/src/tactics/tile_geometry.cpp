#include "tactics/tile_geometry.hpp"

#include "support/error.hpp"
#include "tactics/rounds.hpp"

namespace tensorvk::tactics {
namespace {

// For lavapipe's eight lanes. Every distinct pipeline costs 0.15 to 0.3 s there, so there are few.
constexpr TileGeometry kCpuTiles[] = {
    {8, 8, 4, true}, {8, 8, 2, true}, {8, 2, 4, true}, {8, 4, 2, false}, {8, 1, 2, false}};
constexpr std::int64_t kFewRows = 64, kOneVector = 4;
// A GPU has better tactics where it has shared memory; these serve where nothing else applies, the last one where there are few columns.
constexpr TileGeometry kGpuTiles[] = {{64, 4, 4, true}, {64, 2, 2, true}, {32, 1, 1, false}, {128, 1, 1, true}};

std::int64_t tile_rounds(const ProductShape& shape) { return shape.taps * (1 + (shape.input_vectors ? (shape.channels + 3) / 4 : shape.channels)); }

} // namespace

std::span<const TileGeometry> tiles_for(const vulkan::DeviceCaps& caps) {
    return caps.is_cpu ? std::span<const TileGeometry>(kCpuTiles) : std::span<const TileGeometry>(kGpuTiles);
}

std::string tile_name(const std::string& family, const TileGeometry& tile) {
    return text(family, tile.lanes_on_rows ? "/tile_" : "/tile_columns_", tile.rows, "x", 4 * tile.vectors);
}

std::int32_t vectors_for(const TileGeometry& tile, std::int64_t columns) {
    constexpr double kSpeed[] = {0, 12, 16, 16, 19}; // GFLOP/s of one to four vectors, 8 rows each, on lavapipe
    const std::int64_t needed = (columns + 3) / 4;
    const auto time = [&](std::int64_t width) {
        return static_cast<double>((needed + width - 1) / width * width) / kSpeed[width];
    };
    std::int32_t best = tile.vectors;
    for (std::int32_t width = tile.vectors - 1; width > 0; --width) {
        if (time(width) < time(best)) best = width;
    }
    return best;
}

std::string refuse_tile(const TileGeometry& tile, const ProductShape& shape) {
    if (tile.vectors > 1 && tile.vectors < 4 && tile.lanes_on_rows && shape.columns <= 4 * tile.vectors) {
        return text("there are only ", shape.columns, " output channels, the wider tile is cut to them already");
    }
    if (tile.lanes_on_rows && tile.vectors == 1 && tile.rows == 1) {
        return shape.columns > kOneVector ? text("there are ", shape.columns, " output channels; this tile is for up to ", kOneVector) : std::string();
    }
    if (tile.lanes_on_rows && tile.rows < 4 && shape.least_rows > kFewRows) {
        return text("there are ", shape.least_rows, " output positions or more; this tile is for up to ", kFewRows);
    }
    if (!tile.lanes_on_rows && shape.least_rows > kFewRows) {
        return text("there are ", shape.least_rows,
                    " output positions or more; lanes side by side on channels are for up to ", kFewRows);
    }
    if (!shape.rows) return {};
    if (tile.lanes_on_rows && *shape.rows * 4 < tile.rows_of_group()) {
        return text("there are ", *shape.rows, " output positions, a tile takes ", tile.rows_of_group(),
                    " and would be mostly empty");
    }
    return {};
}

void add_tile(StepBuilder& step, Lowering& lowering, const Product& product, const Packing& packing, const TileGeometry& tile) {
    shape::ExprPool& exprs = lowering.exprs();
    const std::int32_t vectors = vectors_for(tile, product.shape().columns);
    const std::int64_t group_vectors = tile.lanes_on_rows ? vectors : vectors * tile.lanes;
    const std::int64_t column_groups = (packing.padded_columns() / 4 + group_vectors - 1) / group_vectors;
    step.local_size(tile.lanes);
    add_tile_grid(step, exprs, exprs.ceil_div(product.rows(exprs), exprs.constant(tile.rows_of_group())), column_groups,
                  product.shape().parts);
    product.add_params(step, lowering, packing);
    step.geometry(2, product.shape().input_vectors ? 1 : 0).geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(4, tile.rows).geometry(5, vectors).geometry(6, tile.lanes_on_rows ? 1 : 0);
}

std::vector<Candidate> tile_candidates(const std::string& family, const std::string& refusal, const Product& product, const Query& query,
                                       void (*lower)(const Product&, const TileGeometry&, Lowering&)) {
    if (!refusal.empty()) return {{.name = family + "/tile", .refusal = refusal, .portable = true, .lower = {}}};
    std::vector<Candidate> out;
    for (const TileGeometry& tile : tiles_for(query.caps)) {
        Candidate candidate;
        candidate.name = tile_name(family, tile);
        candidate.refusal = refuse_tile(tile, product.shape());
        if (candidate.refusal.empty()) candidate.refusal = refuse_rounds(query.caps, tile_rounds(product.shape()));
        candidate.portable = true;
        candidate.lower = [product, tile, lower](Lowering& lowering) { lower(product, tile, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
