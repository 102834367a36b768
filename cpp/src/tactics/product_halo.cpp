// conv/halo_<lines>x<columns>x<channels at a time>[_w<subgroups>][_k<splits>]: convolutions whose windows overlap, of halves on cooperative matrix units, which gather each
// part of the picture once for all taps (shaders/convolution/halo_coopmat.comp). Tiles are that many lines of 16 positions.
#include <algorithm>
#include <array>

#include "support/error.hpp"
#include "tactics/matrix_units.hpp"
#include "tactics/product.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int64_t kSide = 16, kLanes = 32; // of a fragment

struct HaloTile {
    std::int32_t lines, columns, chunk;    // of a workgroup's tile; channels at a time
    std::int32_t warp_lines, warp_columns; // of a subgroup's
    [[nodiscard]] constexpr std::int32_t subgroups() const { return (lines / warp_lines) * (columns / warp_columns); }
    [[nodiscard]] constexpr std::int32_t threads() const { return static_cast<std::int32_t>(kLanes) * subgroups(); }
};

// Not timed yet on a GPU: those of each size whose subgroups read least from shared memory, and some that have more subgroups.
constexpr std::array<HaloTile, 17> kTiles{{
    {2, 32, 32, 1, 16},  {2, 64, 16, 1, 32},  {4, 32, 32, 1, 16},  {4, 32, 32, 2, 16},  {4, 32, 16, 2, 16},  {4, 64, 16, 2, 16},
    {4, 64, 16, 2, 32},  {4, 128, 16, 2, 32}, {4, 128, 16, 4, 32}, {8, 32, 32, 2, 32},  {8, 32, 32, 2, 16},  {8, 64, 16, 2, 32},
    {8, 64, 16, 4, 32},  {8, 128, 16, 4, 32}, {16, 32, 32, 4, 32}, {16, 32, 32, 4, 16}, {16, 64, 16, 4, 32},
}};

//! What the shader counts on: loads of all threads, and rounds of the epilogue, cover whole pixels and rows.
constexpr bool fits(const HaloTile& tile) {
    const bool chunk = tile.chunk == 16 || tile.chunk == 32 || tile.chunk == 64;
    return chunk && tile.lines % tile.warp_lines == 0 && tile.columns % tile.warp_columns == 0 && tile.threads() % (tile.chunk / 8) == 0 &&
           tile.threads() % (tile.columns / 8) == 0 && kLanes % (tile.warp_columns / 4) == 0 && kLanes / (tile.warp_columns / 4) <= kSide;
}
static_assert(std::ranges::all_of(kTiles, fits));

constexpr std::int32_t kFewSubgroups = 4; // that names do not tell
constexpr std::int64_t kMostSplits = 12;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

//! A tile, and what its windows cover.
struct Geometry {
    HaloTile tile;
    Product::Window window;

    [[nodiscard]] std::int64_t taps() const { return window.kernel[1] * window.kernel[2]; }
    //! That windows of so many positions in a row cover along axis 1 or 2.
    [[nodiscard]] std::int64_t covered(std::int64_t positions, std::size_t axis) const {
        return (positions - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1;
    }
    [[nodiscard]] std::int64_t pixels() const { return covered(tile.lines, 1) * covered(kSide, 2); }
    [[nodiscard]] std::int64_t shared_bytes() const {
        const std::int64_t chunk = pixels() * (tile.chunk / 8 + 1) + taps() * tile.chunk * (tile.columns / 8 + 1);
        return 16 * std::max(chunk, tile.subgroups() * kSide * (tile.warp_columns / 4 + 1)); // a chunk, then results
    }
};

//! Tiles of positions in all pictures; nullopt: dynamic.
std::optional<std::int64_t> tiles_of(const Product& product, const HaloTile& tile, const shape::ExprPool& exprs) {
    const shape::Exprs& dims = product.y().dims;
    const auto batch = exprs.value(dims[0]), height = exprs.value(dims[2]), width = exprs.value(dims[3]);
    if (!batch || !height || !width) return std::nullopt;
    return *batch * ceil_div(*height, tile.lines) * ceil_div(*width, kSide);
}

double estimate(const Geometry& geometry, std::int64_t tiles, std::int64_t splits, ProductShape shape) {
    const HaloTile& tile = geometry.tile;
    const TileWork work{.rows = kSide * tile.lines,
                        .columns = tile.columns,
                        .depth = geometry.taps() * tile.chunk,
                        .splits = splits,
                        .threads = tile.threads(),
                        .shared_bytes = geometry.shared_bytes()};
    const std::int64_t rows = geometry.covered(tile.warp_lines, 1), weights = geometry.window.kernel[1] * (tile.warp_columns / kSide);
    const std::int64_t fragments = tile.subgroups() * (tile.chunk / kSide) * geometry.window.kernel[2] * (rows + weights);
    const auto loaded = static_cast<double>(geometry.pixels() * tile.chunk + work.depth * tile.columns);
    const auto products = static_cast<double>(kSide * tile.warp_lines * tile.warp_columns * work.depth);
    shape.rows = tiles * work.rows;
    return estimated_us(work, units_step(work, loaded, static_cast<double>(fragments * kSide * kSide), products), shape);
}

std::string refuse(const Product& product, const Query& query) {
    if (std::string why = refuse_half_matrices(query.caps); !why.empty()) return why;
    if (std::string why = refuse_matrix_units(product); !why.empty()) return why;
    const Product::Window& window = product.window();
    if (product.transposed()) return "only for convolutions that are not transposed";
    if (product.x().dims.size() != 4) return "only for windows over pictures";
    const auto apart = [&](std::size_t axis) { return window.stride[axis] > (window.kernel[axis] - 1) * window.dilation[axis]; };
    if (apart(1) && apart(2)) return "the windows do not overlap";
    return {};
}

//! What of a tile is not for a product, or empty.
std::string refuse_geometry(const Geometry& geometry, const Product& product, const Query& query) {
    const HaloTile& tile = geometry.tile;
    if (product.shape().channels % tile.chunk != 0) return text("there are ", product.shape().channels, " channels, the tile takes ", tile.chunk, " at a time");
    const auto height = query.exprs.value(product.y().dims[2]), width = query.exprs.value(product.y().dims[3]);
    if (width && *width * 2 <= kSide) return text("lines have ", *width, " positions, more than half of the ", kSide, " of the tile would be padding");
    if (height && *height * 2 <= tile.lines) return text("there are ", *height, " lines, more than half of the ", tile.lines, " of the tile would be padding");
    return refuse_tile({.rows = 1, .columns = tile.columns, .narrow = 32, .shared_bytes = geometry.shared_bytes(), .threads = tile.threads()}, product.shape(), query.caps);
}

void lower(const Product& product, const Geometry& geometry, std::int64_t splits, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const HaloTile& tile = geometry.tile;
    const auto number = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    Packing packing = product.packing();
    packing.half = true;
    packing.column_multiple = 8;
    const std::int32_t weights = product.pack_weights(lowering, packing);
    const std::int32_t bias = product.pack_bias(lowering);
    std::int32_t target = product.y().buffer;
    if (splits > 1) target = lowering.scratch(exprs.mul(product.rows(exprs), exprs.constant(splits * packing.parts * packing.padded_columns() * 4)));

    const shape::Exprs& dims = product.y().dims;
    const shape::Expr down = exprs.ceil_div(dims[2], exprs.constant(tile.lines)), across = exprs.ceil_div(dims[3], exprs.constant(kSide));
    StepBuilder step(lowering, product.operation().name, "convolution/halo_coopmat:f16");
    step.local_size(tile.threads());
    add_tile_grid(step, exprs, exprs.mul(dims[0], exprs.mul(down, across)), ceil_div(packing.padded_columns(), tile.columns), packing.parts * splits);
    product.add_params(step, lowering, packing);
    step.param(down).param(across);
    step.geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(4, tile.lines).geometry(5, tile.columns).geometry(6, tile.chunk).geometry(7, tile.warp_lines).geometry(8, tile.warp_columns);
    step.geometry(9, tile.threads()).geometry(10, number(splits));
    const Product::Window& window = geometry.window;
    for (std::uint32_t axis = 0; axis < 2; ++axis) {
        step.geometry(17 + axis, number(window.kernel[1 + axis])).geometry(19 + axis, number(window.stride[1 + axis]));
        step.geometry(21 + axis, number(window.dilation[1 + axis]));
    }
    step.reads(product.x().buffer).reads(weights).reads(bias).writes(target);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits(), bias);
    lowering.add(step.take());
    if (splits > 1) add_slice_sum(product, packing, target, bias, splits, lowering);
}

//! Into how many slices to cut the channels: none, as many as busy a large GPU, and half of that.
std::vector<std::int64_t> choices(const Product& product, const HaloTile& tile, std::optional<std::int64_t> tiles) {
    const std::int64_t groups = tiles.value_or(product.shape().least_rows) * ceil_div(product.shape().columns, tile.columns) * product.shape().parts;
    const std::int64_t most = std::min({kBusyWorkgroups / std::max<std::int64_t>(groups, 1), product.shape().channels / tile.chunk, kMostSplits});
    std::vector<std::int64_t> out{1};
    if (most > 1) out.push_back(most);
    if (most >= 4) out.push_back(most / 2);
    return out;
}

} // namespace

std::vector<Candidate> product_halo(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    const std::string name = family + "/halo";
    const std::string why = refusal.empty() ? refuse(product, query) : refusal;
    if (!why.empty()) return {{.name = name, .refusal = why, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const HaloTile& tile : kTiles) {
        const Geometry geometry{tile, product.window()};
        const std::string refused = refuse_geometry(geometry, product, query);
        const std::optional<std::int64_t> tiles = tiles_of(product, tile, query.exprs);
        for (const std::int64_t splits : choices(product, tile, tiles)) {
            Candidate candidate;
            candidate.name = text(name, "_", tile.lines, "x", tile.columns, "x", tile.chunk);
            if (tile.subgroups() > kFewSubgroups) candidate.name += text("_w", tile.subgroups());
            if (splits > 1) candidate.name += text("_k", splits);
            candidate.refusal = refused;
            candidate.estimate = tiles ? estimate(geometry, *tiles, splits, product.shape()) : 0.0;
            candidate.lower = [product, geometry, splits](Lowering& lowering) { lower(product, geometry, splits, lowering); };
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

} // namespace tensorvk::tactics
