// conv/texel_winograd: convolutions of 3 x 3 taps at stride 1 on CPU drivers, by 36 matrix products over the channels
// (tactics/winograd.hpp).
#include <algorithm>

#include "support/error.hpp"
#include "tactics/texel_tile.hpp"
#include "tactics/winograd.hpp"

namespace tensorvk::tactics {
namespace {

constexpr WinogradTile kTile{4, 4};

std::int64_t in_fours(std::int64_t count) { return (count + 3) / 4 * 4; }

//! The product in the middle: each point is a part of its own.
TexelProduct points_product(const ConvolutionProblem& p, std::int64_t tiles) {
    return {tiles, in_fours(p.out_channels), p.in_channels, 1, kTile.points(), 4 * p.in_channels, true};
}

//! Instructions of the three steps.
double instructions(const ConvolutionProblem& p, std::int64_t tiles) {
    constexpr double kArithmetic = 1500.0; // of eight lanes' fours
    constexpr auto points = static_cast<double>(kTile.points()), outputs = static_cast<double>(kTile.lines * kTile.columns);
    constexpr double lanes = 32.0;
    const double in = static_cast<double>(tiles * p.in_channels) / lanes * (points * (kTexelFetch + kTexelStore) + kArithmetic);
    const double out = static_cast<double>(tiles * in_fours(p.out_channels)) / lanes * (points * kTexelFetch + outputs * kTexelStore + kArithmetic);
    const TexelProduct product = points_product(p, tiles);
    return in + texel_instructions(best_texel_tile(product), product) + out;
}

WinogradWay way_of(const ConvolutionProblem& p, const Product& direct, std::int64_t tiles) {
    return {.problem = p, .direct = direct, .tile = kTile, .tiles = tiles, .channels = p.in_channels, .columns = in_fours(p.out_channels), .type = DataType::kFLOAT, .texels = true};
}

std::string refuse(const ConvolutionProblem& p, const Product& direct, const Query& query) {
    if (!query.caps.is_cpu) return "texels as factors are for CPU drivers";
    if (std::string why = refuse_winograd(p, query); !why.empty()) return why;
    if (p.half()) return "a value is float16, the kernel takes float32";
    if (!direct.shape().input_vectors) return "the input's channels do not lie together in fours";
    const auto tiles = winograd_tiles(p, kTile, query.exprs);
    if (!tiles) return "the number of tiles is dynamic";
    if (std::string why = refuse_points(way_of(p, direct, *tiles), query.caps); !why.empty()) return why;
    const TexelProduct whole = texel_product(direct);
    const double share = instructions(p, *tiles) / texel_instructions(best_texel_tile(whole), whole);
    if (share > 1.0) return text("by its count of instructions ", share, " times as slow as the direct way");
    return {};
}

void lower(const WinogradWay& way, Lowering& lowering) {
    const TexelProduct product = points_product(way.problem, way.tiles);
    const TileGeometry tile = best_texel_tile(product);
    lower_winograd(way, lowering, [&](const Product& points) {
        Packing packing = points.packing();
        packing.panel = packing.column_multiple = texel_columns(tile);
        const std::int32_t weights = points.pack_weights(lowering, packing), zeros = points.pack_bias(lowering);
        StepBuilder step(lowering, way.problem.operation.name, "convolution/texel:f32");
        add_texel_tile(step, lowering, tile, product, points.rows(lowering.exprs()), true, true);
        points.add_params(step, lowering, packing);
        step.reads(points.x().buffer).reads(weights).reads(zeros).writes(points.y().buffer);
        add_epilogue(step, lowering, points.operation(), points.roles(), points.type_bits(), zeros);
        lowering.add(step.take());
    });
}

} // namespace

std::vector<Candidate> convolution_texel_winograd(const ConvolutionProblem& problem, const Query& query) {
    if (problem.transposed()) return {};
    const Product direct(problem, query.exprs);
    Candidate candidate;
    candidate.name = "conv/texel_winograd";
    candidate.refusal = refuse(problem, direct, query);
    candidate.portable = true;
    if (candidate.refusal.empty()) {
        const WinogradWay way = way_of(problem, direct, winograd_tiles(problem, kTile, query.exprs).value());
        candidate.lower = [way](Lowering& lowering) { lower(way, lowering); };
    }
    return {candidate};
}

} // namespace tensorvk::tactics
