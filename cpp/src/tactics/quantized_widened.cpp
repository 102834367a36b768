// conv_int8/widened_<tile>: convolutions of pictures with few channels on matrix units, which take bytes in sixteens. A first step lays four channels of four
// neighbouring pixels together (shaders/quantized/widen.comp), for each place of the window along a line; four places behind it begins what the next tap reads.
#include "support/error.hpp"
#include "tactics/quantized.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int64_t kUnit = 16, kPixels = 4, kMostChannels = kUnit / kPixels;

//! The convolution of the wide picture, but for where that lies. Its padding along lines has become part of the picture.
ConvolutionProblem widened(ConvolutionProblem p) {
    p.widened = {.channels = p.in_channels, .pixels = kPixels, .kernel_width = p.kernel[2], .units = (p.kernel[2] + kPixels - 1) / kPixels};
    p.in_channels = kUnit;
    p.kernel[2] = p.widened.units;
    p.dilation[2] = kPixels / p.stride[2];
    p.stride[2] = 1;
    p.pre[2] = 0;
    p.x.layout = Layout::kCHANNELS_LAST;
    return p;
}

//! Adds the step that widens, and says where to.
Product lower_widening(const ConvolutionProblem& narrow, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    ConvolutionProblem wide = widened(narrow);
    wide.x.dims[1] = exprs.constant(kUnit);
    wide.x.dims.back() = exprs.add(narrow.y.dims.back(), exprs.constant((wide.kernel[2] - 1) * wide.dilation[2]));
    const shape::Expr bytes = exprs.product(wide.x.dims);
    const shape::Expr units = exprs.floor_div(bytes, exprs.constant(kUnit));
    wide.x.buffer = lowering.scratch(bytes);
    StepBuilder step(lowering, narrow.operation.name, "quantized/widen:int8");
    step.invocations(units);
    const shape::Exprs strides = lowering.strides(narrow.x);
    const bool plane = narrow.x.dims.size() > 3;
    step.param(units).param(plane ? narrow.x.dims[2] : exprs.constant(1)).param(wide.x.dims.back());
    step.param(strides[0]).param(plane ? strides[2] : exprs.constant(0)).param(strides.back()).param(strides[1]).param(narrow.in_channels);
    step.param(narrow.x.dims.back()).param(narrow.stride[2]).param(narrow.pre[2]);
    step.geometry(0, static_cast<std::int32_t>(kPixels)).geometry(1, narrow.convolution().zero.x & 255);
    step.reads(narrow.x.buffer).writes(wide.x.buffer);
    lowering.add(step.take());
    return {wide, exprs};
}

std::string refuse(const ConvolutionProblem& p, const Query& query) {
    if (p.transposed() || p.groups != 1) return "only for convolutions of one group";
    if (p.x.dims.size() > 4) return "only for pictures and lines, the input is a volume";
    if (p.in_channels > kMostChannels) return text("there are ", p.in_channels, " channels, only up to ", kMostChannels, " are widened");
    if (p.dilation[2] != 1 || kPixels % p.stride[2] != 0) return text("along lines the window is dilated or moves by ", p.stride[2], ", no divisor of ", kPixels);
    return Product::refuse(p, query);
}

} // namespace

std::vector<Candidate> quantized_widened(const ConvolutionProblem& problem, const Query& query) {
    const std::string why = refuse(problem, query);
    if (!why.empty()) return {{.name = "conv_int8/widened", .refusal = why, .portable = false, .lower = {}}};
    return byte_matrix_tiles("conv_int8/widened", {}, Product(widened(problem), query.exprs), query,
                             [problem](Lowering& lowering) { return lower_widening(problem, lowering); });
}

} // namespace tensorvk::tactics
