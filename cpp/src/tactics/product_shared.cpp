// .../shared_<rows>x<columns>[_k<splits>]: products through shared memory (shaders/convolution/shared.comp), for GPUs.
#include <algorithm>

#include "support/error.hpp"
#include "tactics/matrix_units.hpp"
#include "tactics/product.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::tactics {
namespace {

struct SharedGeometry {
    std::int32_t rows, columns, depth;        // of a workgroup's tile
    std::int32_t thread_rows, thread_columns; // of an invocation's
    [[nodiscard]] TileNeeds needs() const { return {rows, columns, 16, shared_bytes(), threads()}; }
    [[nodiscard]] std::int32_t threads() const { return rows / thread_rows * (columns / thread_columns); }
    [[nodiscard]] double estimate(std::int64_t splits, const ProductShape& shape) const {
        const TileWork work{.rows = rows, .columns = columns, .depth = depth, .splits = splits, .threads = threads(), .shared_bytes = shared_bytes()};
        return estimated_us(work, float_step(work, thread_rows, thread_columns), shape);
    }
    [[nodiscard]] std::int64_t shared_bytes() const { return 16 * (depth * (rows / 4 + 1) + depth * columns / 4); }
};

constexpr SharedGeometry kTiles[] = {
    {128, 128, 16, 8, 8}, {256, 64, 16, 8, 8}, {128, 64, 16, 8, 8}, {128, 64, 16, 8, 4}, {64, 64, 16, 8, 4},
    {64, 64, 16, 4, 4},   {256, 32, 16, 8, 4}, {128, 32, 16, 8, 4}, {64, 32, 16, 4, 4},  {32, 64, 16, 4, 4},
    {32, 32, 32, 4, 4},   {256, 16, 16, 8, 4}, {64, 16, 16, 4, 4},
};

// K is cut where the tiles alone leave most of a large GPU idle; with more rows than the fewest that there can be, the whole K wins when timed.
constexpr std::int64_t kLeastDepth = 64; // of one slice: below, the second dispatch costs more than it brings
constexpr std::int64_t kMostSplits = 16;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

void lower(const Product& product, const SharedGeometry& tile, std::int64_t splits, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    Packing packing = product.packing();
    packing.depth_multiple = 32; // every tile's depth divides it, so that tiles share the packed weights
    packing.half = packs_halves(product.x(), lowering);
    const std::int32_t weights = product.pack_weights(lowering, packing);
    const std::int32_t bias = product.pack_bias(lowering);
    const shape::Expr rows = product.rows(exprs);
    std::int32_t target = product.y().buffer;
    if (splits > 1)
        target =
            lowering.scratch(exprs.mul(rows, exprs.constant(splits * packing.parts * packing.padded_columns() * 4)));

    StepBuilder step(lowering, product.operation().name,
                     product.half() ? "convolution/shared:f16" : "convolution/shared:f32");
    step.local_size(tile.threads());
    add_tile_grid(step, exprs, exprs.ceil_div(rows, exprs.constant(tile.rows)),
                  ceil_div(packing.padded_columns(), tile.columns), packing.parts * splits);
    product.add_params(step, lowering, packing);
    step.geometry(2, product.shape().input_vectors ? 1 : 0).geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(4, tile.rows).geometry(5, tile.columns).geometry(6, tile.depth);
    step.geometry(7, tile.thread_rows).geometry(8, tile.thread_columns).geometry(9, tile.threads());
    step.geometry(10, static_cast<std::int32_t>(splits));
    step.reads(product.x().buffer).reads(weights).reads(bias).writes(target);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits() | (packing.half ? kFactorHalf : 0), bias);
    lowering.add(step.take());
    if (splits > 1) add_slice_sum(product, packing, target, bias, splits, lowering);
}

std::string tile_name(const std::string& name, const SharedGeometry& tile, std::int64_t splits) {
    const std::string base = text(name, "_", tile.rows, "x", tile.columns, "_", tile.thread_rows, "x", tile.thread_columns);
    return splits > 1 ? text(base, "_k", splits) : base;
}

} // namespace

std::vector<Candidate> shared_tiles(const std::string& name, const std::string& refusal, const Product& shape, const vulkan::DeviceCaps& caps, const AroundProduct& around) {
    const std::string common = refusal.empty() && caps.is_cpu ? "shared memory and barriers cost 10x on CPU drivers" : refusal;
    if (!common.empty()) return {{.name = name, .refusal = common, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const SharedGeometry& tile : kTiles) {
        std::vector<std::int64_t> choices{1};
        if (const std::int64_t most = splits_for(tile.rows, tile.columns, shape.shape(), kLeastDepth, kMostSplits); most > 1) choices.push_back(most);
        for (const std::int64_t splits : choices) {
            Candidate candidate;
            candidate.name = tile_name(name, tile, splits);
            candidate.refusal = refuse_tile(tile.needs(), shape.shape(), caps);
            candidate.estimate = tile.estimate(splits, shape.shape());
            candidate.lower = [around, tile, splits](Lowering& lowering) { around(lowering, [&](const Product& product) { lower(product, tile, splits, lowering); }); };
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

std::vector<Candidate> product_shared(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    std::vector<Candidate> out = shared_tiles(family + "/shared", refusal, product, query.caps, [product](Lowering&, const Multiply& multiply) { multiply(product); });
    // Good enough to tell these tiles from those of matrix units; too rough to tell them from one another.
    const bool beside_matrix_units = refuse_matrix_units(product).empty() && refuse_half_matrices(query.caps).empty();
    for (Candidate& candidate : out) candidate.estimate = beside_matrix_units ? candidate.estimate : 0.0;
    return out;
}

} // namespace tensorvk::tactics
