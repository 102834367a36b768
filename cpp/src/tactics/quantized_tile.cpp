// .../tile_<rows>x<columns> of 8-bit integers: exact sums in float32 registers (shaders/quantized/tile.comp).
#include <algorithm>

#include "support/error.hpp"
#include "tactics/quantized.hpp"
#include "tactics/tile_geometry.hpp"

namespace tensorvk::tactics {
namespace {

void lower(const Product& product, const TileGeometry& tile, Lowering& lowering) {
    const Operation& operation = product.operation();
    const ZeroPoints& zero = zero_points(operation);
    const std::int32_t weights = product.pack_weights(lowering, product.packing());
    const std::int32_t parameters = product.pack_parameters(lowering);
    const std::int64_t terms = exact_terms(product.x(), lowering.value(operation.inputs[1]), zero);
    const std::int64_t chunk = std::min((product.shape().channels + 3) / 4 * 4, terms / 4 * 4);
    const bool whole = (product.shape().channels + chunk - 1) / chunk * chunk * product.shape().taps <= terms;
    StepBuilder step(lowering, operation.name, "quantized/tile:int8");
    add_tile(step, lowering, product, product.packing(), tile);
    step.geometry(7, zero.x).geometry(8, static_cast<std::int32_t>(chunk)).geometry(9, whole ? 0 : static_cast<std::int32_t>(terms));
    step.reads(product.x().buffer).reads(weights).reads(parameters).writes(product.y().buffer);
    add_quantized_epilogue(step, lowering, operation, product.roles(), lowering.caps().is_cpu);
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> quantized_tile(const std::string& family, const std::string& refusal, const Product& product,
                                      const Query& query) {
    return tile_candidates(family, refusal.empty() ? refuse_quantized_tile(product) : refusal, product, query, lower);
}

} // namespace tensorvk::tactics
