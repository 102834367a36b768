#include "tactics/winograd.hpp"

#include <algorithm>

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::tactics {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

//! The inputs' transform adds up to 2 times the largest number along an axis of two outputs, 5.2 times along one of four. Halves hold points that are smaller by as
//! much, nearly.
std::int32_t shift_of(const WinogradWay& way) {
    if (way.type != DataType::kHALF) return 0;
    return (way.tile.lines > 2 ? 2 : 1) + (way.tile.columns > 2 ? 2 : 1);
}

//! A step over four channels of a tile per invocation.
StepBuilder tile_step(const WinogradWay& way, const char* direction, std::int64_t channels, Lowering& lowering) {
    const char* types = way.texels ? "texel_f32_" : way.problem.half() ? "f16_" : "f32_";
    StepBuilder step(lowering, way.direct.operation().name, text("convolution/winograd_", direction, ":", types, way.tile.lines, "x", way.tile.columns));
    step.invocations(lowering.exprs().constant(way.tiles * channels / 4));
    way.direct.add_params(step, lowering, way.direct.packing());
    step.geometry(2, way.direct.shape().input_vectors ? 1 : 0).geometry(3, way.direct.shape().output_vectors ? 1 : 0);
    step.geometry(4, static_cast<std::int32_t>(way.tiles)).geometry(5, way.type == DataType::kHALF ? 1 : 0).geometry(6, shift_of(way));
    step.geometry(8, static_cast<std::int32_t>(channels / 4));
    return step;
}

} // namespace

std::int64_t WinogradWay::bytes(std::int64_t channels_or_columns) const {
    return tile.points() * tiles * channels_or_columns * static_cast<std::int64_t>(dtype_size(type));
}

Product WinogradWay::points(std::int32_t inputs, std::int32_t sums) const {
    Operation bare = problem.operation;
    bare.epilogue = {};
    bare.operands.clear();
    const Packing packing{.parts = tile.points(),
                          .columns = columns,
                          .channels = channels,
                          .points = {.lines = tile.lines, .columns = tile.columns, .source_channels = problem.in_channels, .source_columns = problem.out_channels}};
    return Product(PointsProduct{.operation = std::move(bare),
                                 .roles = problem.roles,
                                 .weights = problem.weights,
                                 .packing = packing,
                                 .tiles = tiles,
                                 .type = type,
                                 .half_kernels = problem.half(),
                                 .inputs = inputs,
                                 .sums = sums});
}

std::optional<std::int64_t> winograd_tiles(const ConvolutionProblem& p, const WinogradTile& tile, const shape::ExprPool& exprs) {
    const auto batch = exprs.value(p.y.dims[0]), height = exprs.value(p.y.dims[p.y.dims.size() - 2]), width = exprs.value(p.y.dims.back());
    if (!batch || !height || !width) return std::nullopt;
    return *batch * ceil_div(*height, tile.lines) * ceil_div(*width, tile.columns);
}

std::string refuse_winograd(const ConvolutionProblem& p, const Query& query) {
    constexpr ConvolutionProblem::Triple kWindow{1, 3, 3}, kOnes{1, 1, 1};
    if (p.x.dims.size() != 4 || p.kernel != kWindow || p.stride != kOnes || p.dilation != kOnes || p.groups != 1)
        return "only for one group, a window of 3 x 3, stride and dilation 1";
    return Product::refuse(p, query);
}

std::string refuse_points(const WinogradWay& way, const vulkan::DeviceCaps& caps) {
    constexpr std::uint64_t kMostElements = INT32_MAX;
    const auto bytes = static_cast<std::uint64_t>(way.bytes(std::max(way.channels, way.columns)));
    const std::uint64_t most = std::min<std::uint64_t>(caps.limits.max_storage_range, kMostElements * dtype_size(way.type));
    return bytes > most ? text("the transformed tiles take ", bytes, " bytes, this device binds ", most) : std::string();
}

void lower_winograd(const WinogradWay& way, Lowering& lowering, const Multiply& multiply) {
    const ConvolutionProblem& p = way.problem;
    const std::int32_t bias = way.direct.pack_bias(lowering);
    const std::int32_t inputs = lowering.scratch(lowering.exprs().constant(way.bytes(way.channels)));
    const std::int32_t sums = lowering.scratch(lowering.exprs().constant(way.bytes(way.columns)));

    StepBuilder in = tile_step(way, "input", way.channels, lowering);
    in.geometry(0, p.type_bits()).reads(p.x.buffer).writes(inputs);
    lowering.add(in.take());

    multiply(way.points(inputs, sums));

    StepBuilder out = tile_step(way, "output", way.columns, lowering);
    out.reads(sums).reads(bias).reads(bias).writes(way.direct.y().buffer);
    add_epilogue(out, lowering, p.operation, p.roles, p.type_bits(), bias);
    lowering.add(out.take());
}

} // namespace tensorvk::tactics
