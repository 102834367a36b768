// conv/halo_<lines>x<columns>x<channels at a time>[_w<subgroups>][_s<subgroups that share a part>][_k<slices>]: convolutions of halves whose windows overlap, on cooperative matrix units
// (shaders/convolution/halo_coopmat.comp).
#include <algorithm>
#include <array>

#include "tactics/halo.hpp"
#include "tactics/matrix_units.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kHalves = 8; // of sixteen bytes

// All but 4x32x16 are among the best six for some layer of ResNet-50 or a U-Net on an H200; that one has room for 25 taps. Lines of 56, 28 and 14 come in fourteens.
constexpr std::array<HaloTile, 24> kTiles{{
    {2, 32, 32, 1, 16},  {2, 64, 16, 1, 32},  {4, 32, 32, 1, 16},  {4, 32, 32, 2, 16},  {4, 32, 16, 2, 16},  {4, 64, 16, 2, 16},  {4, 64, 16, 2, 32},
    {4, 128, 16, 2, 32}, {4, 128, 16, 4, 32}, {8, 32, 32, 2, 32},  {8, 32, 32, 2, 16},  {8, 64, 16, 2, 32},  {8, 64, 16, 4, 32},  {8, 128, 16, 4, 32},
    {14, 64, 16, 7, 32}, {14, 64, 16, 7, 16}, {16, 32, 32, 4, 32}, {16, 32, 32, 4, 16}, {16, 64, 16, 4, 32}, {16, 64, 16, 8, 32},
    {2, 32, 32, 1, 16, 2}, {4, 32, 32, 2, 16, 2}, {8, 32, 32, 2, 32, 2}, {16, 32, 32, 4, 32, 2},
}};
static_assert(std::ranges::all_of(kTiles, [](const HaloTile& tile) { return fits(tile, kHalves); }));

std::string refuse(const Product& product, const Query& query) {
    if (std::string why = refuse_half_matrices(query.caps); !why.empty()) return why;
    return refuse_matrix_units(product);
}

void lower(const Product& product, const Halo& halo, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    Packing packing = product.packing();
    packing.half = true;
    packing.column_multiple = 8;
    const std::int32_t weights = product.pack_weights(lowering, packing);
    const std::int32_t bias = product.pack_bias(lowering);
    std::int32_t target = product.y().buffer;
    if (halo.splits > 1) target = lowering.scratch(exprs.mul(product.rows(exprs), exprs.constant(halo.splits * packing.parts * packing.padded_columns() * 4)));
    StepBuilder step(lowering, product.operation().name, "convolution/halo_coopmat:f16");
    halo.add(step, lowering, product, packing);
    step.reads(product.x().buffer).reads(weights).reads(bias).writes(target);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits(), bias);
    lowering.add(step.take());
    if (halo.splits > 1) add_slice_sum(product, packing, target, bias, halo.splits, lowering);
}

} // namespace

std::vector<Candidate> product_halo(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    const std::string why = refusal.empty() ? refuse(product, query) : refusal;
    return halo_candidates(family + "/halo", why, kTiles, kHalves, product, query, lower);
}

} // namespace tensorvk::tactics
