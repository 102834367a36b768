// .../coopmat_<rows>x<columns>x<depth>[_w<subgroups>][_k<splits>]: products of 8-bit integers on cooperative matrix units (shaders/quantized/coopmat.comp).
#include <algorithm>

#include "support/error.hpp"
#include "tactics/matrix_units.hpp"
#include "tactics/quantized.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::tactics {
namespace {

struct MatrixGeometry {
    std::int32_t rows, columns, depth;    // of a workgroup's tile
    std::int32_t warp_rows, warp_columns; // of a subgroup's
    [[nodiscard]] TileNeeds needs() const { return {rows, columns, 32, shared_bytes(), threads()}; }
    [[nodiscard]] std::int32_t threads() const { return 32 * (rows / warp_rows) * (columns / warp_columns); }
    [[nodiscard]] double estimate(std::int64_t splits, const ProductShape& shape) const {
        const TileWork work{.rows = rows, .columns = columns, .depth = depth, .splits = splits, .threads = threads(), .shared_bytes = shared_bytes()};
        return estimated_us(work, matrix_step(work, warp_rows, warp_columns, 1), shape);
    }
    [[nodiscard]] std::int64_t shared_bytes() const { return 16 * std::max((rows + columns) * (depth / 16 + 1), threads() / 32 * 16 * (warp_columns / 4 + 1)); } // a step, then results
};

constexpr std::int32_t kFewThreads = 128; // that names do not tell
constexpr MatrixGeometry kTiles[] = {
    {32, 32, 128, 16, 16}, {32, 32, 256, 16, 16}, {32, 64, 128, 16, 32}, {64, 32, 128, 32, 16}, {64, 64, 64, 32, 32},  {64, 64, 128, 32, 32},
    {128, 32, 64, 32, 32}, {128, 64, 64, 64, 32}, {128, 64, 128, 64, 32}, {64, 128, 64, 32, 64}, {128, 128, 64, 64, 64},
    {128, 64, 128, 32, 32}, {64, 128, 128, 32, 32}, {64, 64, 128, 16, 32}, {32, 64, 128, 16, 16}, // of eight subgroups
};

// Where there are enough workgroups, their epilogues ask for four rounds of operands together (see product_coopmat.cpp).
constexpr std::int64_t kManyResults = 1 << 20;
constexpr std::int32_t kBurst = 4;
constexpr std::int64_t kLeastDepth = 512;   // of a slice
constexpr std::int64_t kMostSplits = 8;
constexpr std::int32_t kSumLocalSize = 128;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

} // namespace

std::string refuse_byte_units(const Product& product, const Query& query) {
    if (std::string why = refuse_byte_matrices(query.caps); !why.empty()) return why;
    if (product.shape().channels % 16 != 0 || !product.shape().input_vectors) {
        return text("matrix units take channels in sixteens that lie together, there are ", product.shape().channels,
                    product.shape().input_vectors ? " per group" : " that do not");
    }
    return refuse_signed_tile(product, query);
}

void add_byte_slice_sum(const Product& product, const Packing& packing, std::int32_t slices, std::int32_t parameters, std::int64_t splits, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, product.operation().name, "quantized/sum:int8");
    const shape::Expr count = exprs.mul(product.rows(exprs), exprs.constant(packing.parts * packing.padded_columns() / 4));
    step.local_size(kSumLocalSize).flat_groups(exprs.ceil_div(count, exprs.constant(kSumLocalSize)));
    product.add_params(step, lowering, packing);
    step.geometry(3, product.shape().output_vectors ? 1 : 0).geometry(10, static_cast<std::int32_t>(splits)).geometry(11, static_cast<std::int32_t>(packing.parts));
    step.reads(slices).reads(parameters).reads(parameters).writes(product.y().buffer);
    add_quantized_epilogue(step, lowering, product.operation(), product.roles(), false);
    lowering.add(step.take());
}

namespace {

void lower(const Product& product, const MatrixGeometry& tile, std::int64_t splits, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const Operation& operation = product.operation();
    Packing packing = product.packing();
    packing.depth_multiple = tile.depth;
    packing.by_columns = true;
    const std::int32_t weights = pack_words(lowering, operation.name, lowering.value(operation.inputs[1]).buffer, packing);
    const std::int32_t parameters = product.pack_parameters(lowering);
    const shape::Expr rows = product.rows(exprs);
    std::int32_t target = product.y().buffer;
    if (splits > 1) target = lowering.scratch(exprs.mul(rows, exprs.constant(splits * packing.parts * packing.padded_columns() * 4)));
    StepBuilder step(lowering, operation.name, "quantized/coopmat:int8");
    step.local_size(tile.threads());
    add_tile_grid(step, exprs, exprs.ceil_div(rows, exprs.constant(tile.rows)), ceil_div(packing.padded_columns(), tile.columns), packing.parts * splits);
    product.add_params(step, lowering, packing);
    step.geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(4, tile.rows).geometry(5, tile.columns).geometry(6, tile.depth);
    step.geometry(7, tile.warp_rows).geometry(8, tile.warp_columns).geometry(9, tile.threads()).geometry(10, signed_zero(product));
    step.geometry(11, static_cast<std::int32_t>(splits)).geometry(13, product.always_inside() ? 1 : 0);
    step.geometry(14, product.shape().least_rows * product.shape().columns >= kManyResults ? kBurst : 1);
    step.reads(product.x().buffer).reads(weights).reads(parameters).writes(target);
    add_quantized_epilogue(step, lowering, operation, product.roles(), false);
    lowering.add(step.take());
    if (splits > 1) add_byte_slice_sum(product, packing, target, parameters, splits, lowering);
}

} // namespace

std::vector<Candidate> byte_matrix_tiles(const std::string& name, const std::string& refusal, const Product& shape, const Query& query,
                                         const std::function<Product(Lowering&)>& make) {
    const std::string common = refusal.empty() ? refuse_byte_units(shape, query) : refusal;
    if (!common.empty()) return {{.name = name, .refusal = common, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const MatrixGeometry& tile : kTiles) {
        std::vector<std::int64_t> choices{1};
        if (const std::int64_t most = splits_for(tile.rows, tile.columns, shape.shape(), kLeastDepth, kMostSplits); most > 1) choices.push_back(most);
        for (const std::int64_t splits : choices) {
            const std::string whole = text(name, "_", tile.rows, "x", tile.columns, "x", tile.depth, tile.threads() > kFewThreads ? text("_w", tile.threads() / 32) : "");
            Candidate candidate{.name = splits > 1 ? text(whole, "_k", splits) : whole, .refusal = refuse_tile(tile.needs(), shape.shape(), query.caps), .portable = false, .lower = {}};
            candidate.estimate = tile.estimate(splits, shape.shape());
            candidate.lower = [make, tile, splits](Lowering& lowering) { lower(make(lowering), tile, splits, lowering); };
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

std::vector<Candidate> quantized_coopmat(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    return byte_matrix_tiles(family + "/coopmat", refusal, product, query, [product](Lowering&) { return product; });
}

} // namespace tensorvk::tactics
