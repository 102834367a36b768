// .../coopmat_<rows>x<columns>x<depth>[_w<subgroups>][_p<steps ahead>][_k<splits>]: products of halves on cooperative matrix units
// (shaders/convolution/coopmat.comp).
#include <algorithm>
#include <bit>

#include "support/error.hpp"
#include "tactics/matrix_units.hpp"
#include "tactics/product.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::tactics {
namespace {

struct MatrixGeometry {
    std::int32_t rows, columns, depth;    // of a workgroup's tile
    std::int32_t warp_rows, warp_columns; // of a subgroup's
    std::int32_t ahead = 1;               // steps of the depth that are fetched ahead, and buffers
    std::int32_t sharing = 1;             // subgroups that have a part of the tile, each some of a step's depth
    [[nodiscard]] TileNeeds needs(bool normalizes) const { return {rows, columns, 32, shared_bytes() + (normalizes ? 8 * rows : 0), threads()}; }
    [[nodiscard]] constexpr std::int32_t subgroups() const { return (rows / warp_rows) * (columns / warp_columns) * sharing; }
    [[nodiscard]] constexpr std::int32_t threads() const { return 32 * subgroups(); }
    [[nodiscard]] double estimate(std::int64_t splits, const ProductShape& shape) const {
        const TileWork work{.rows = rows, .columns = columns, .depth = depth, .ahead = ahead, .splits = splits, .sharing = sharing, .threads = threads(), .shared_bytes = shared_bytes()};
        return estimated_us(work, matrix_step(work, warp_rows, warp_columns, 2), shape);
    }
    [[nodiscard]] std::int64_t shared_bytes() const {
        return 16 * std::max(ahead * (rows * (depth / 8 + 1) + depth * (columns / 8 + 1)), threads() / 32 * 16 * (warp_columns / 4 + 1)); // steps, then results
    }
};

// What won somewhere in sweeps over the layers of ResNet-50, a U-Net, BERT and ViT.
constexpr MatrixGeometry kTiles[] = {
    {32, 32, 64, 16, 16},  {32, 32, 128, 16, 16},  {64, 64, 64, 32, 32},   {128, 32, 32, 32, 32},    {128, 64, 32, 64, 32},
    {64, 128, 32, 32, 64}, {128, 128, 32, 64, 64}, {32, 32, 128, 16, 16, 2}, {64, 64, 64, 32, 32, 2},
    // Subgroups wait for their own instructions where a processor has one workgroup: eight or sixteen of them wait for less.
    {64, 32, 64, 16, 16},  {32, 64, 128, 16, 16},  {64, 64, 64, 16, 32},   {64, 64, 64, 16, 16},     {128, 64, 32, 32, 32},
    {128, 64, 64, 32, 32}, {128, 64, 64, 32, 16},  {64, 128, 64, 32, 32},  {32, 128, 64, 16, 32},    {32, 64, 64, 16, 16, 2},
    // Deep steps: what comes with each, barriers and the way to shared memory, comes less often.
    {64, 64, 128, 16, 32}, {64, 64, 128, 16, 16},  {32, 128, 128, 16, 32}, {32, 32, 256, 16, 16},    {128, 32, 64, 32, 16},
    {128, 128, 64, 32, 64}, {32, 64, 64, 16, 16},  {64, 64, 64, 16, 32, 2},
    // Few results, much depth: more subgroups than a tile has parts, so that each invocation loads less of a step.
    {32, 32, 128, 16, 16, 1, 2}, {32, 32, 256, 16, 16, 1, 2}, {32, 32, 128, 16, 16, 1, 4}, {32, 32, 256, 16, 16, 1, 4}, {32, 64, 128, 16, 16, 1, 2},
};

//! What the shader counts on: loads of all threads, and rounds of the epilogue, cover whole lines.
constexpr bool fits(const MatrixGeometry& tile) {
    const std::int32_t threads = tile.threads(), depth_eights = tile.depth / 8, column_eights = tile.columns / 8;
    const bool rows = threads % depth_eights == 0 && tile.rows % (threads / depth_eights) == 0;
    const bool lines = threads % column_eights == 0 && tile.depth % (threads / column_eights) == 0;
    const std::int32_t of_row = threads / tile.rows; // that read what is given of a row's moments
    const bool lanes = threads % tile.rows == 0 && std::has_single_bit(static_cast<std::uint32_t>(of_row)) && of_row <= 32;
    return rows && lines && lanes && 32 % (tile.warp_columns / 4) == 0 && tile.depth % (16 * tile.sharing) == 0;
}
static_assert(std::ranges::all_of(kTiles, fits));

constexpr std::int32_t kFewSubgroups = 4;   // that names do not tell
constexpr std::int64_t kLeastDepth = 256;   // of a slice of K
constexpr std::int64_t kMostSplits = 12;
// Operands of more results than stay in a cache come from memory: the epilogue asks for four rounds of them together. Else its program is there only once.
constexpr std::int64_t kManyResults = 2 << 20;
constexpr std::int32_t kBurst = 4;
constexpr std::int64_t kMostGivenPairs = 12; // four registers each

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

} // namespace

std::string refuse_matrix_units(const Product& product) {
    if (product.x().dtype != DataType::kHALF)
        return text("the input '", product.x().name, "' is float32, matrix units take float16");
    if (product.shape().channels % 8 != 0 || !product.shape().input_vectors) {
        return text("matrix units take channels in eights that lie together, there are ", product.shape().channels,
                    product.shape().input_vectors ? " per group" : " that do not");
    }
    if (product.shape().columns % 8 != 0)
        return text("there are ", product.shape().columns, " output channels, not a multiple of 8");
    return {};
}

namespace {

//! Whether the epilogue reads as many numbers as it writes, and they are many.
bool reads_much(const Product& product, std::span<const Value> values) {
    const auto whole = [&](ValueId id) { return values[static_cast<std::size_t>(id)].dims == product.y().dims; };
    return product.shape().least_rows * product.shape().columns >= kManyResults && std::ranges::any_of(product.operation().operands, whole);
}

//! Of parts of a row whose moments are given, that each invocation keeps.
std::int64_t given_pairs(const MatrixGeometry& tile, const Product& product) {
    return ceil_div(product.shape().depth() / (2 * kMomentColumns), tile.threads() / tile.rows);
}

void lower(const Product& product, const MatrixGeometry& tile, std::int64_t splits, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    Packing packing = product.packing();
    packing.half = true;
    packing.column_multiple = 8;
    packing.depth_multiple = std::int64_t{tile.depth} * tile.ahead;
    const std::int32_t weights = product.pack_weights(lowering, packing);
    const std::int32_t bias = product.pack_bias(lowering);
    const shape::Expr rows = product.rows(exprs);
    std::int32_t target = product.y().buffer;
    if (splits > 1)
        target =
            lowering.scratch(exprs.mul(rows, exprs.constant(splits * packing.parts * packing.padded_columns() * 4)));

    const std::optional<RowNormalization> normalized = product.normalized();
    const bool moments = product.moments() >= 0 && splits == 1; // of slices the sum has them
    StepBuilder step(lowering, product.operation().name, text("convolution/coopmat:", product.given_moments() >= 0 ? "given_" : normalized ? "normalized_" : moments ? "moments_" : "", "f16"));
    step.local_size(tile.threads());
    add_tile_grid(step, exprs, exprs.ceil_div(rows, exprs.constant(tile.rows)),
                  ceil_div(packing.padded_columns(), tile.columns), packing.parts * splits);
    product.add_params(step, lowering, packing);
    step.geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(4, tile.rows).geometry(5, tile.columns).geometry(6, tile.depth);
    step.geometry(7, tile.warp_rows).geometry(8, tile.warp_columns).geometry(9, tile.threads());
    step.geometry(10, static_cast<std::int32_t>(splits)).geometry(11, product.always_inside() ? 1 : 0).geometry(13, tile.ahead);
    step.geometry(14, tile.sharing == 1 && reads_much(product, lowering.values()) ? kBurst : 1);
    step.reads(product.x().buffer).reads(weights).reads(bias).writes(target);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits(), bias);
    if (normalized) {
        step.geometry(17, std::bit_cast<std::int32_t>(normalized->epsilon)).geometry(18, normalized->centred ? 1 : 0);
        step.reads(tactics::pack_bias(lowering, product.operation().name, product.column_sums(), product.shape().columns));
        if (normalized->given) step.geometry(19, static_cast<std::int32_t>(given_pairs(tile, product))).reads(product.given_moments());
    }
    if (moments) step.writes(product.moments());
    lowering.add(step.take());
    if (splits > 1) add_slice_sum(product, packing, target, bias, splits, lowering);
}

//! What a tile that normalises rows needs beside its product, or empty.
std::string refuse_rows(const MatrixGeometry& tile, const Product& product, const vulkan::DeviceCaps& caps) {
    if (std::string why = refuse_normalized_rows(caps); !why.empty()) return why;
    const std::int64_t depth = std::int64_t{tile.depth} * tile.ahead;
    if (product.shape().depth() % depth != 0) return text("rows that are normalised have ", product.shape().depth(), " elements, which is no multiple of the tile's ", depth);
    const std::int64_t pairs = product.given_moments() >= 0 ? given_pairs(tile, product) : 0;
    if (pairs > kMostGivenPairs) return text("an invocation would keep ", 2 * pairs, " moments of its row's parts in registers, at most ", 2 * kMostGivenPairs, " are allowed");
    return {};
}

} // namespace

std::vector<Candidate> coopmat_tiles(const std::string& name, const std::string& refusal, const Product& shape, const vulkan::DeviceCaps& caps,
                                     const AroundProduct& around) {
    std::string common = refusal.empty() ? refuse_half_matrices(caps) : refusal;
    if (common.empty()) common = refuse_matrix_units(shape);
    if (!common.empty()) return {{.name = name, .refusal = common, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const MatrixGeometry& tile : kTiles) {
        std::vector<std::int64_t> choices{1};
        const std::int64_t most = splits_for(tile.rows, tile.columns, shape.shape(), kLeastDepth, kMostSplits);
        if (most > 1 && !shape.normalized()) choices.push_back(most); // a slice does not see all of a row
        if (choices.back() >= 4) choices.push_back(choices.back() / 2);
        for (const std::int64_t splits : choices) {
            Candidate candidate;
            candidate.name = text(name, "_", tile.rows, "x", tile.columns, "x", tile.depth);
            if (tile.subgroups() > kFewSubgroups) candidate.name += text("_w", tile.subgroups());
            if (tile.ahead > 1) candidate.name += text("_p", tile.ahead);
            if (splits > 1) candidate.name += text("_k", splits);
            candidate.refusal = refuse_tile(tile.needs(shape.normalized().has_value()), shape.shape(), caps);
            if (candidate.applicable() && shape.normalized()) candidate.refusal = refuse_rows(tile, shape, caps);
            candidate.estimate = tile.estimate(splits, shape.shape());
            candidate.accompanied = shape.moments() >= 0;
            candidate.lower = [around, tile, splits](Lowering& lowering) { around(lowering, [&](const Product& product) { lower(product, tile, splits, lowering); }); };
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

std::vector<Candidate> product_coopmat(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    return coopmat_tiles(family + "/coopmat", refusal, product, query.caps, [product](Lowering&, const Multiply& multiply) { multiply(product); });
}

} // namespace tensorvk::tactics
