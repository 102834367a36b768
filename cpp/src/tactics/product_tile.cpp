// .../tile_<rows>x<columns>: products in registers alone (shaders/convolution/tile.comp).
#include "tactics/product.hpp"
#include "tactics/tile_geometry.hpp"

namespace tensorvk::tactics {
namespace {

void lower(const Product& product, const TileGeometry& tile, Lowering& lowering) {
    Packing packing = product.packing();
    packing.half = packs_halves(product.x(), lowering);
    const std::int32_t weights = product.pack_weights(lowering, packing);
    const std::int32_t bias = product.pack_bias(lowering);
    StepBuilder step(lowering, product.operation().name,
                     product.half() ? "convolution/tile:f16" : "convolution/tile:f32");
    add_tile(step, lowering, product, packing, tile);
    step.reads(product.x().buffer).reads(weights).reads(bias).writes(product.y().buffer);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits() | (packing.half ? kFactorHalf : 0), bias);
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> product_tile(const std::string& family, const std::string& refusal, const Product& product,
                                    const Query& query) {
    const bool texels = query.caps.is_cpu && !product.half(); // they take whatever this takes
    return tile_candidates(family, refusal.empty() && texels ? "reading texels is faster on CPU drivers" : refusal, product, query, lower);
}

} // namespace tensorvk::tactics
