// .../texel_<rows>x<columns>: products in registers for CPU drivers, both factors read as texels (shaders/convolution/texel.comp).
#include <algorithm>

#include "support/error.hpp"
#include "tactics/product.hpp"
#include "tactics/rounds.hpp"
#include "tactics/texel_tile.hpp"

namespace tensorvk::tactics {
namespace {

constexpr double kWorthTrying = 1.4; // times the best tile's estimate

void lower(const Product& product, const TileGeometry& tile, Lowering& lowering) {
    Packing packing = product.packing();
    packing.panel = packing.column_multiple = texel_columns(tile);
    const std::int32_t weights = product.pack_weights(lowering, packing);
    const std::int32_t bias = product.pack_bias(lowering);
    StepBuilder step(lowering, product.operation().name, "convolution/texel:f32");
    add_texel_tile(step, lowering, tile, texel_product(product), product.rows(lowering.exprs()), product.shape().output_vectors,
                   product.always_inside());
    product.add_params(step, lowering, packing);
    step.reads(product.x().buffer).reads(weights).reads(bias).writes(product.y().buffer);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits(), bias);
    lowering.add(step.take());
}

std::string refuse(const std::string& refusal, const Product& product, const Query& query) {
    if (!query.caps.is_cpu) return "texels as factors are for CPU drivers";
    if (!refusal.empty()) return refusal;
    if (product.half()) return "a value is float16, the kernel takes float32";
    const TexelProduct texels = texel_product(product);
    return refuse_rounds(query.caps, texels.taps * (1 + texels.channels / texels.depth_step()));
}

} // namespace

TexelProduct texel_product(const Product& product) {
    constexpr std::int64_t kRowsUnknown = 4096; // what dynamic shapes are judged by
    const ProductShape& shape = product.shape();
    return {shape.rows.value_or(kRowsUnknown), shape.columns, shape.channels, shape.taps, shape.parts, 4 * product.input_channels(),
            shape.input_vectors};
}

std::vector<Candidate> product_texel(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    const std::string why = refuse(refusal, product, query);
    if (!why.empty()) return {{.name = family + "/texel", .refusal = why, .lower = {}}};
    std::vector<TileGeometry> tiles(kTexelTiles.begin(), kTexelTiles.end());
    const auto time = [&](const TileGeometry& tile) { return texel_instructions(tile, texel_product(product)); };
    std::ranges::stable_sort(tiles, {}, time);
    std::vector<Candidate> out;
    for (const TileGeometry& tile : tiles) {
        Candidate candidate;
        candidate.name = text(family, tile.lanes_on_rows ? "/texel_" : "/texel_columns_", tile.rows, "x", 4 * tile.vectors);
        if (time(tile) > kWorthTrying * time(tiles.front())) {
            candidate.refusal = text("by its count of instructions ", time(tile) / time(tiles.front()), " times as slow as ", out.front().name);
        }
        candidate.portable = true;
        candidate.lower = [product, tile](Lowering& lowering) { lower(product, tile, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
