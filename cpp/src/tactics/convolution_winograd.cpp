// conv/texel_winograd: convolutions of 3 x 3 taps at stride 1 on CPU drivers, by 36 matrix products over the channels
// (shaders/convolution/winograd.glsl).
#include <algorithm>

#include "support/error.hpp"
#include "tactics/convolution_problem.hpp"
#include "tactics/texel_tile.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int64_t kPoints = 36, kTile = 4;
constexpr std::int32_t kLocalSize = 64;

std::int64_t in_fours(std::int64_t count) { return (count + 3) / 4 * 4; }

//! Tiles of all pictures; nullopt where a shape is dynamic.
std::optional<std::int64_t> tiles_of(const ConvolutionProblem& p, const shape::ExprPool& exprs) {
    const auto batch = exprs.value(p.y.dims[0]), height = exprs.value(p.y.dims[p.y.dims.size() - 2]), width = exprs.value(p.y.dims.back());
    if (!batch || !height || !width) return std::nullopt;
    return *batch * ((*height + kTile - 1) / kTile) * ((*width + kTile - 1) / kTile);
}

//! The product in the middle: each point is a part of its own.
TexelProduct points_product(const ConvolutionProblem& p, std::int64_t tiles) {
    return {tiles, in_fours(p.out_channels), p.in_channels, 1, kPoints, 4 * p.in_channels, true};
}

//! Instructions of the three steps.
double instructions(const ConvolutionProblem& p, std::int64_t tiles) {
    constexpr double kArithmetic = 1500.0; // of eight lanes' fours
    const double points = kPoints, outputs = kTile * kTile, lanes = 32.0;
    const double in = static_cast<double>(tiles * p.in_channels) / lanes * (points * (kTexelFetch + kTexelStore) + kArithmetic);
    const double out = static_cast<double>(tiles * in_fours(p.out_channels)) / lanes * (points * kTexelFetch + outputs * kTexelStore + kArithmetic);
    const TexelProduct product = points_product(p, tiles);
    return in + texel_instructions(best_texel_tile(product), product) + out;
}

std::string refuse(const ConvolutionProblem& p, const Product& direct, const Query& query) {
    constexpr ConvolutionProblem::Triple kWindow{1, 3, 3}, kOnes{1, 1, 1};
    if (!query.caps.is_cpu) return "texels as factors are for CPU drivers";
    if (p.x.dims.size() != 4 || p.kernel != kWindow || p.stride != kOnes || p.dilation != kOnes || p.groups != 1)
        return "only for one group, a window of 3 x 3, stride and dilation 1";
    if (std::string why = Product::refuse(p, query); !why.empty()) return why;
    if (p.half()) return "a value is float16, the kernel takes float32";
    if (!direct.shape().input_vectors) return "the input's channels do not lie together in fours";
    const auto tiles = tiles_of(p, query.exprs);
    if (!tiles) return "the number of tiles is dynamic";
    const auto bytes = static_cast<std::uint64_t>(4 * kPoints * *tiles * std::max(p.in_channels, in_fours(p.out_channels)));
    if (bytes > query.caps.limits.max_storage_range)
        return text("the transformed tiles take ", bytes, " bytes, this device binds ", query.caps.limits.max_storage_range);
    const TexelProduct whole = texel_product(direct);
    const double share = instructions(p, *tiles) / texel_instructions(best_texel_tile(whole), whole);
    if (share > 1.0) return text("by its count of instructions ", share, " times as slow as the direct way");
    return {};
}

//! Weights at the points, in panels of `packing`.
std::int32_t pack_points(const ConvolutionProblem& p, const Packing& packing, Lowering& lowering) {
    const std::int64_t count = packing.padded_depth() * packing.padded_columns();
    const std::string key = text("winograd:", p.weights.buffer, ":", packing.padded_columns(), ":", packing.panel);
    return pack_with(lowering, p.weights.buffer, key, 4 * kPoints * count, [&](std::int32_t target) {
        StepBuilder step(lowering, p.operation.name, "convolution/winograd_weights:f32");
        step.local_size(kLocalSize).flat_groups(lowering.exprs().constant((count + kLocalSize - 1) / kLocalSize)).specialize(false);
        step.param(count).param(packing.padded_columns()).param(p.in_channels).param(p.out_channels).param(packing.panel);
        step.reads(p.weights.buffer).writes(target);
        return step.take();
    });
}

//! P(0) .. P(27) of rows.glsl: rows are tiles, parts the points.
void add_point_params(StepBuilder& step, const TexelProduct& product, const Packing& packing) {
    const std::int64_t tiles = product.rows;
    step.param(tiles).param(tiles).param(tiles).param(1).param(tiles);
    step.param(0).param(0).param(product.channels).param(1);
    step.param(1).param(1).param(1).param(1).param(1).param(0).param(0);
    step.param(product.channels).param(product.channels).param(product.columns).param(packing.padded_columns());
    step.param(0).param(0).param(product.columns).param(1);
    step.param(tiles * product.channels).param(product.channels * packing.padded_columns()).param(tiles * product.columns).param(0);
}

//! A step over four channels of a tile per invocation.
StepBuilder tile_step(const Product& direct, const char* kernel, std::int64_t tiles, std::int64_t channels, Lowering& lowering) {
    StepBuilder step(lowering, direct.operation().name, kernel);
    const std::int64_t count = tiles * channels / 4;
    step.local_size(kLocalSize).flat_groups(lowering.exprs().constant((count + kLocalSize - 1) / kLocalSize));
    direct.add_params(step, lowering, direct.packing());
    step.geometry(4, static_cast<std::int32_t>(tiles));
    return step;
}

void lower(const ConvolutionProblem& p, const Product& direct, std::int64_t tiles, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const TexelProduct product = points_product(p, tiles);
    const TileGeometry tile = best_texel_tile(product);
    const std::int64_t panel = texel_columns(tile);
    const Packing packing{.parts = kPoints, .columns = product.columns, .channels = product.channels, .column_multiple = panel, .panel = panel};
    const std::int32_t weights = pack_points(p, packing, lowering);
    const std::int32_t zeros = pack_bias(lowering, p.operation.name, -1, product.columns);
    const std::int32_t bias = direct.pack_bias(lowering);
    const std::int32_t inputs = lowering.scratch(exprs.constant(4 * kPoints * tiles * product.channels));
    const std::int32_t sums = lowering.scratch(exprs.constant(4 * kPoints * tiles * product.columns));

    StepBuilder in = tile_step(direct, "convolution/winograd_input:f32", tiles, product.channels, lowering);
    in.reads(p.x.buffer).writes(inputs);
    lowering.add(in.take());

    StepBuilder middle(lowering, p.operation.name, "convolution/texel:f32");
    add_texel_tile(middle, lowering, tile, product, exprs.constant(tiles), true, true);
    add_point_params(middle, product, packing);
    middle.reads(inputs).reads(weights).reads(zeros).writes(sums);
    Operation bare = p.operation;
    bare.epilogue = {};
    bare.operands.clear();
    add_epilogue(middle, lowering, bare, p.roles, 0, zeros);
    lowering.add(middle.take());

    StepBuilder out = tile_step(direct, "convolution/winograd_output:f32", tiles, product.columns, lowering);
    out.geometry(3, direct.shape().output_vectors ? 1 : 0);
    out.reads(sums).reads(bias).reads(bias).writes(p.y.buffer);
    add_epilogue(out, lowering, p.operation, p.roles, 0, bias);
    lowering.add(out.take());
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
        candidate.lower = [problem, direct, tiles = tiles_of(problem, query.exprs).value()](Lowering& lowering) { lower(problem, direct, tiles, lowering); };
    }
    return {candidate};
}

} // namespace tensorvk::tactics
