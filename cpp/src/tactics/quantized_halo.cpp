// conv_int8/halo_<lines>x<columns>x<channels at a time>[_k<slices>]: convolutions of 8-bit integers whose windows overlap, on cooperative matrix units
// (shaders/quantized/halo_coopmat.comp).
#include <algorithm>
#include <array>

#include "tactics/halo.hpp"
#include "tactics/quantized.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kBytes = 16;

// The first two are within 6 % of the fastest of all for some layer of ResNet-18 at batch 32 on an H200. The last one, the fastest of these at stride 2, fits 32 KiB of shared memory.
constexpr std::array<HaloTile, 3> kTiles{{{14, 64, 32, 7, 32}, {16, 32, 64, 4, 32}, {8, 64, 32, 4, 32}}};
static_assert(std::ranges::all_of(kTiles, [](const HaloTile& tile) { return fits(tile, kBytes); }));

void lower(const Product& product, const Halo& halo, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const Operation& operation = product.operation();
    Packing packing = product.packing();
    packing.by_columns = true;
    const std::int32_t weights = pack_words(lowering, operation.name, lowering.value(operation.inputs[1]).buffer, packing);
    const std::int32_t parameters = product.pack_parameters(lowering);
    std::int32_t target = product.y().buffer;
    if (halo.splits > 1) target = lowering.scratch(exprs.mul(product.rows(exprs), exprs.constant(halo.splits * packing.parts * packing.padded_columns() * 4)));
    StepBuilder step(lowering, operation.name, "quantized/halo_coopmat:int8");
    halo.add(step, lowering, product, packing);
    step.geometry(10, signed_zero(product));
    step.reads(product.x().buffer).reads(weights).reads(parameters).writes(target);
    add_quantized_epilogue(step, lowering, operation, product.roles(), false);
    lowering.add(step.take());
    if (halo.splits > 1) add_byte_slice_sum(product, packing, target, parameters, halo.splits, lowering);
}

} // namespace

std::vector<Candidate> quantized_halo(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    const std::string why = refusal.empty() ? refuse_byte_units(product, query) : refusal;
    return halo_candidates(family + "/halo", why, kTiles, kBytes, product, query, lower);
}

} // namespace tensorvk::tactics
