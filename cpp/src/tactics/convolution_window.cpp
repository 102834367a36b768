// conv/window_<lines>x<positions>x<columns of a subgroup>_s<subgroups>, conv_int8/window_...: convolutions of pictures with few channels on matrix units, which read the
// picture as it is (shaders/convolution/window.comp).
#include <algorithm>
#include <array>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/matrix_units.hpp"
#include "tactics/picture.hpp"
#include "tactics/product.hpp"
#include "tactics/quantized.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int64_t kSide = 16, kLanes = 32; // of a fragment
constexpr std::int64_t kMostWeights = 32;       // fragments in a subgroup's registers

struct WindowTile {
    std::int64_t lines, width; // positions
    std::int64_t strip;        // fragments of columns of a subgroup
    std::int64_t subgroups;    // of a workgroup, where the strips are not more
    std::int64_t together;     // row fragments that a subgroup multiplies side by side
    std::int64_t workgroups;   // at most, for a GPU of 132 processors: each reads the weights once
};

// What won or came close, at one batch or another, in the first layers of ResNet-50, a U-Net and MobileNetV2.
constexpr std::array<WindowTile, 7> kTiles{{{4, 16, 1, 4, 4, 528}, {4, 16, 1, 8, 1, 528}, {8, 16, 1, 8, 2, 264}, {16, 16, 1, 8, 2, 264}, {8, 16, 2, 2, 2, 528},
                                            {8, 16, 2, 4, 2, 528}, {16, 16, 2, 4, 1, 264}}};

//! A step of the depth is two units.
Widened in_steps(Widened how) {
    how.units += how.units % 2;
    return how;
}

//! A tile, and the convolution of units that it computes.
struct Geometry {
    Geometry(const ConvolutionProblem& narrow, const WindowTile& of) : tile(of), wide(of_wide_picture(narrow, in_steps(widening_of(narrow, true)))) {}
    WindowTile tile;
    ConvolutionProblem wide;

    [[nodiscard]] std::int64_t strips() const { return (wide.out_channels + kSide * tile.strip - 1) / (kSide * tile.strip); }
    [[nodiscard]] std::int64_t threads() const { return kLanes * strips() * std::max<std::int64_t>(tile.subgroups / strips(), 1); }
    [[nodiscard]] std::int64_t part_units() const {
        return ((tile.lines - 1) * wide.stride[1] + wide.kernel[1]) * ((tile.width - 1) * wide.stride[2] + wide.kernel[2]);
    }
    [[nodiscard]] std::int64_t shared_bytes() const { return 16 * (part_units() + threads() / kLanes * kSide * (tile.strip * 4 + 1)); }
    [[nodiscard]] std::int64_t weights() const { return wide.kernel[1] * wide.kernel[2] / 2 * tile.strip; }
};

void lower(const ConvolutionProblem& narrow, const Geometry& geometry, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const auto number = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    const ConvolutionProblem& wide = geometry.wide;
    const WindowTile& tile = geometry.tile;
    const Product product(wide, exprs);
    Packing packing = product.packing();
    packing.half = true;
    packing.column_multiple = geometry.strips() * tile.strip * kSide;
    const std::int32_t weights = product.pack_weights(lowering, packing);
    const bool bytes = is_byte(narrow.x.dtype);
    const std::int32_t bias = bytes ? product.pack_parameters(lowering) : product.pack_bias(lowering);

    const shape::Exprs& x = narrow.x.dims;
    const shape::Exprs& y = narrow.y.dims;
    const shape::Expr down = exprs.ceil_div(y[2], exprs.constant(tile.lines)), across = exprs.ceil_div(y[3], exprs.constant(tile.width));
    const shape::Expr tiles = exprs.mul(y[0], exprs.mul(down, across));
    StepBuilder step(lowering, narrow.operation.name, bytes ? "convolution/window:int8" : "convolution/window:f16");
    const shape::Expr workgroups = exprs.min(tiles, exprs.constant(tile.workgroups));
    step.local_size(number(geometry.threads())).flat_groups(workgroups);
    const shape::Exprs strides = lowering.strides(narrow.x);
    step.param(tiles).param(down).param(across).param(y[2]).param(y[3]).param(x[2]).param(x[3]);
    step.param(strides[0]).param(strides[2]).param(strides[3]).param(strides[1]).param(narrow.in_channels).param(narrow.out_channels);
    step.param(wide.pre[1]).param(wide.pre[2]).param(workgroups);
    step.geometry(4, number(tile.lines)).geometry(5, number(tile.width)).geometry(6, number(wide.kernel[1])).geometry(7, number(wide.kernel[2]));
    step.geometry(8, number(wide.stride[1])).geometry(9, number(wide.stride[2])).geometry(10, number(wide.widened.pixels));
    step.geometry(11, number(tile.strip)).geometry(12, number(geometry.strips())).geometry(13, number(geometry.threads())).geometry(14, number(tile.together));
    step.reads(narrow.x.buffer).reads(weights).reads(bias).writes(narrow.y.buffer);
    if (bytes) {
        step.geometry(3, narrow.convolution().zero.x);
        add_quantized_epilogue(step, lowering, narrow.operation, narrow.roles, false);
    } else {
        add_epilogue(step, lowering, narrow.operation, narrow.roles, narrow.type_bits(), bias);
    }
    lowering.add(step.take());
}

std::string refuse(const ConvolutionProblem& p, const Query& query) {
    if (std::string why = refuse_picture(p); !why.empty()) return why;
    if (p.x.dims.size() != 4 || p.dilation != ConvolutionProblem::Triple{1, 1, 1}) return "only for windows over pictures without dilation";
    if (p.y.layout != Layout::kCHANNELS_LAST || p.out_channels % 4 != 0) return text("the ", p.out_channels, " output channels do not lie together in fours");
    if (std::string why = Product::refuse(p, query); !why.empty()) return why;
    return refuse_half_matrices(query.caps);
}

std::string refuse_geometry(const Geometry& geometry, const vulkan::DeviceCaps& caps) {
    if (geometry.weights() > kMostWeights)
        return text("the weights of a subgroup's columns take ", geometry.weights(), " fragments, registers hold ", kMostWeights);
    return refuse_tile({.rows = 1, .columns = kSide, .narrow = kSide, .shared_bytes = geometry.shared_bytes(), .threads = geometry.threads()}, {}, caps);
}

std::vector<Candidate> windows(const std::string& name, const std::string& why, const ConvolutionProblem& problem, const Query& query) {
    if (!why.empty()) return {{.name = name, .refusal = why, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const WindowTile& tile : kTiles) {
        const Geometry geometry(problem, tile);
        out.push_back({.name = text(name, "_", tile.lines, "x", tile.width, "x", kSide * tile.strip, "_s", tile.subgroups),
                       .refusal = refuse_geometry(geometry, query.caps),
                       .portable = false,
                       .lower = [problem, geometry](Lowering& lowering) { lower(problem, geometry, lowering); }});
    }
    return out;
}

} // namespace

std::vector<Candidate> convolution_window(const ConvolutionProblem& problem, const Query& query) {
    return windows("conv/window", refuse(problem, query), problem, query);
}

std::vector<Candidate> quantized_window(const ConvolutionProblem& problem, const Query& query) {
    std::string why = refuse(problem, query);
    const std::int64_t terms = problem.group_in() * problem.taps(), most = exact_terms(problem.x, problem.weights, problem.convolution().zero);
    if (why.empty() && terms > most) why = text("a sum has ", terms, " terms, float32 holds ", most, " exactly");
    return windows("conv_int8/window", why, problem, query);
}

} // namespace tensorvk::tactics
