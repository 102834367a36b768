#include "tactics/halo.hpp"

#include <algorithm>
#include <array>

#include "support/error.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int64_t kSide = 16; // of a fragment
constexpr std::int32_t kUsual = 4; // subgroups, which names do not tell
constexpr std::int64_t kMostSplits = 12;
constexpr std::int64_t kHalves = 8;     // of sixteen bytes
constexpr std::int64_t kMostLoads = 20; // ahead of their use

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

//! Of positions in all pictures.
struct Tiles {
    std::int64_t least = 1; // what is dynamic counted as one
    bool known = true;
};

Tiles tiles_of(const Product& product, const HaloTile& tile, const shape::ExprPool& exprs) {
    Tiles out;
    const std::array<std::int64_t, 3> each{1, tile.lines, kSide};
    for (std::size_t i = 0; i < each.size(); ++i) {
        const std::optional<std::int64_t> extent = exprs.value(product.y().dims[i == 0 ? 0 : i + 1]);
        out.least *= extent ? ceil_div(*extent, each[i]) : 1;
        out.known = out.known && extent;
    }
    return out;
}

//! No slices, as many as busy a large GPU, and half of that; none of them is empty.
std::vector<std::int64_t> choices(const Product& product, const HaloTile& tile, std::int64_t tiles) {
    const std::int64_t groups = tiles * ceil_div(product.shape().columns, tile.columns) * product.shape().parts;
    const std::int64_t chunks = product.shape().channels / tile.chunk;
    const std::int64_t most = std::min({kBusyWorkgroups / std::max<std::int64_t>(groups, 1), chunks, kMostSplits});
    const auto filled = [&](std::int64_t splits) { return ceil_div(chunks, ceil_div(chunks, splits)); };
    std::vector<std::int64_t> out{1};
    if (most > 1) out.push_back(filled(most));
    if (most >= 4 && filled(most / 2) < out.back()) out.push_back(filled(most / 2));
    return out;
}

//! Why a convolution has no such tiles, whatever their size, or empty.
std::string refuse_windows(const Product& product) {
    const Product::Window& window = product.window();
    if (product.transposed()) return "only for convolutions that are not transposed";
    if (product.x().dims.size() != 4) return "only for windows over pictures";
    const auto apart = [&](std::size_t axis) { return window.stride[axis] > (window.kernel[axis] - 1) * window.dilation[axis]; };
    if (apart(1) && apart(2)) return "the windows do not overlap";
    return {};
}

} // namespace

std::string Halo::name(const std::string& prefix) const {
    std::string out = text(prefix, "_", tile.lines, "x", tile.columns, "x", tile.chunk);
    if (tile.subgroups() != kUsual) out += text("_w", tile.subgroups());
    if (tile.sharing > 1) out += text("_s", tile.sharing);
    if (splits > 1) out += text("_k", splits);
    return out;
}

std::int64_t Halo::covered(std::int64_t positions, std::size_t axis) const {
    return (positions - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1;
}

std::int64_t Halo::pixels() const { return covered(tile.lines, 1) * covered(kSide, 2); }

std::int64_t Halo::weight_units() const { return taps() * tile.columns * tile.chunk / unit; }

//! A chunk's inputs and weights, then results in their place. Pixels, rows of halves' weights and columns of bytes' are padded by sixteen bytes, lines to whole strides.
std::int64_t Halo::shared_bytes() const {
    const std::int64_t places = covered(tile.lines, 1) * ceil_div(covered(kSide, 2), window.stride[2]) * window.stride[2];
    const std::int64_t padding = unit == kHalves ? taps() * tile.chunk : tile.columns;
    return 16 * std::max(places * (tile.chunk / unit + 1) + weight_units() + padding, tile.subgroups() * kSide * (tile.warp_columns / 4 + 1));
}

std::string Halo::refuse(const Product& product, const Query& query) const {
    if (product.shape().channels % tile.chunk != 0) return text("there are ", product.shape().channels, " channels, the tile takes ", tile.chunk, " at a time");
    const auto height = query.exprs.value(product.y().dims[2]), width = query.exprs.value(product.y().dims[3]);
    if (width && *width * 2 <= kSide) return text("lines have ", *width, " positions, more than half of the ", kSide, " of the tile would be padding");
    if (height && *height * 2 <= tile.lines) return text("there are ", *height, " lines, more than half of the ", tile.lines, " of the tile would be padding");
    const std::int64_t loads = ceil_div(pixels() * tile.chunk / unit, tile.threads()) + ceil_div(weight_units(), tile.threads());
    if (loads > kMostLoads) return text("an invocation would keep ", loads, " loads of sixteen bytes in registers, at most ", kMostLoads, " are allowed");
    return refuse_tile({.rows = 1, .columns = tile.columns, .narrow = 32, .shared_bytes = shared_bytes(), .threads = tile.threads()}, product.shape(), query.caps);
}

double Halo::estimate(ProductShape shape) const {
    if (!tiles) return 0.0;
    const TileWork work{.rows = kSide * tile.lines, .columns = tile.columns, .depth = taps() * tile.chunk, .splits = splits, .sharing = tile.sharing, .threads = tile.threads(), .shared_bytes = shared_bytes()};
    const std::int64_t bytes = 16 / unit;
    // Of each subgroup, those of a line for all taps of a column of the window, and these taps' weights.
    const std::int64_t fragments = window.kernel[2] * (covered(tile.warp_lines, 1) * kSide + window.kernel[1] * tile.warp_columns) * tile.chunk;
    const HaloMoves moves{.pixels = bytes * pixels() * tile.chunk,
                          .weights = bytes * work.depth * tile.columns,
                          .fragments = tile.subgroups() / tile.sharing * fragments,
                          .factors = bytes * kSide * tile.warp_lines * tile.warp_columns * work.depth / tile.sharing};
    shape.rows = *tiles * work.rows;
    return estimated_us(work, halo_step(work, moves), shape);
}

void Halo::add(StepBuilder& step, Lowering& lowering, const Product& product, const Packing& packing) const {
    shape::ExprPool& exprs = lowering.exprs();
    const auto number = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    const shape::Exprs& dims = product.y().dims;
    const shape::Expr down = exprs.ceil_div(dims[2], exprs.constant(tile.lines)), across = exprs.ceil_div(dims[3], exprs.constant(kSide));
    step.local_size(tile.threads());
    add_tile_grid(step, exprs, exprs.mul(dims[0], exprs.mul(down, across)), ceil_div(packing.padded_columns(), tile.columns), packing.parts * splits);
    product.add_params(step, lowering, packing);
    step.param(down).param(across);
    step.geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(4, tile.lines).geometry(5, tile.columns).geometry(6, tile.chunk).geometry(7, tile.warp_lines).geometry(8, tile.warp_columns).geometry(9, tile.threads());
    for (std::uint32_t axis = 0; axis < 2; ++axis) {
        step.geometry(17 + axis, number(window.kernel[1 + axis])).geometry(19 + axis, number(window.stride[1 + axis]));
        step.geometry(21 + axis, number(window.dilation[1 + axis]));
    }
    step.geometry(23, number(splits)).geometry(24, number(shared_bytes() / 16));
}

std::vector<Candidate> halo_candidates(const std::string& name, const std::string& refusal, std::span<const HaloTile> tiles, std::int64_t unit, const Product& product, const Query& query,
                                       void (*lower)(const Product&, const Halo&, Lowering&)) {
    const std::string why = refusal.empty() ? refuse_windows(product) : refusal;
    if (!why.empty()) return {{.name = name, .refusal = why, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const HaloTile& tile : tiles) {
        const Tiles count = tiles_of(product, tile, query.exprs);
        for (const std::int64_t splits : choices(product, tile, count.least)) {
            const Halo halo{tile, product.window(), unit, splits, count.known ? std::optional(count.least) : std::nullopt};
            Candidate candidate{.name = halo.name(name), .refusal = halo.refuse(product, query), .portable = false, .lower = {}};
            candidate.estimate = halo.estimate(product.shape());
            candidate.lower = [product, halo, lower](Lowering& lowering) { lower(product, halo, lowering); };
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

} // namespace tensorvk::tactics
