// conv_int8/halo_<lines>x<columns>x<channels at a time>[_w<subgroups>][_k<slices>]: convolutions of 8-bit integers whose windows overlap, on cooperative matrix units
// (shaders/quantized/halo_coopmat.comp).
#include <algorithm>
#include <array>

#include "tactics/halo.hpp"
#include "tactics/quantized.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kBytes = 16;

// As those of halves (product_halo.cpp), with twice as many channels at a time.
constexpr std::array<HaloTile, 16> kTiles{{
    {2, 32, 64, 1, 16},  {4, 32, 64, 2, 16},  {4, 64, 32, 2, 16},  {4, 64, 32, 2, 32},  {4, 128, 32, 2, 32}, {4, 128, 32, 4, 32}, {8, 32, 64, 2, 32},  {8, 64, 32, 2, 32},
    {8, 64, 32, 4, 32},  {8, 128, 32, 4, 32}, {14, 64, 32, 7, 32}, {14, 64, 32, 7, 16}, {16, 32, 64, 8, 32}, {16, 32, 64, 4, 32}, {16, 64, 32, 4, 32},  {16, 64, 32, 8, 32},
}};
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
