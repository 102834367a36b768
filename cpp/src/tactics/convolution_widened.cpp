// conv/widened_<tile>: convolutions of pictures with few channels on matrix units, which take channels in eights. A first step rounds the picture to float16 and
// lays eight channels together: those of one pixel and zeros, or, where the window moves by two, four of each of two pixels, which is half as much to multiply.
#include "support/error.hpp"
#include "tactics/convolution_problem.hpp"
#include "tactics/product.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kLocalSize = 64;
constexpr std::int64_t kEight = 8;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

//! How the picture is widened; line length and window have to be even for pairs of pixels.
Widened way(const ConvolutionProblem& p, const shape::ExprPool& exprs) {
    Widened out{.channels = p.in_channels, .kernel_width = p.kernel[2]};
    const bool even = exprs.value(p.x.dims.back()).value_or(1) % 2 == 0;
    if (p.in_channels <= kEight / 2 && p.stride[2] == 2 && p.dilation[2] == 1 && even) {
        out.pixels = 2;
        out.shift = p.pre[2] % 2;
    }
    return out;
}

//! The convolution of the wide picture, but for where that lies.
ConvolutionProblem widened(ConvolutionProblem p, const Widened& how) {
    p.widened = how;
    p.in_channels = kEight;
    p.kernel[2] = ceil_div(p.kernel[2] + how.shift, how.pixels);
    p.stride[2] /= how.pixels;
    p.pre[2] = ceil_div(p.pre[2], how.pixels);
    p.x.dtype = DataType::kHALF;
    p.x.layout = Layout::kCHANNELS_LAST;
    return p;
}

//! Adds the step that widens, and says where to.
Product lower_widening(const ConvolutionProblem& narrow, const Widened& how, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    ConvolutionProblem wide = widened(narrow, how);
    wide.x.dims[1] = exprs.constant(kEight);
    wide.x.dims.back() = exprs.floor_div(narrow.x.dims.back(), exprs.constant(how.pixels));
    const shape::Expr units = exprs.floor_div(exprs.product(wide.x.dims), exprs.constant(kEight));
    wide.x.buffer = lowering.scratch(exprs.mul(units, exprs.constant(kEight * 2)));
    StepBuilder step(lowering, narrow.operation.name, "convolution/widen:f16");
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(units, exprs.constant(kLocalSize)));
    const shape::Exprs strides = lowering.strides(narrow.x);
    const bool plane = narrow.x.dims.size() > 3;
    step.param(units).param(plane ? narrow.x.dims[2] : exprs.constant(1)).param(wide.x.dims.back());
    step.param(strides[0]).param(plane ? strides[2] : exprs.constant(0)).param(strides.back()).param(strides[1]).param(narrow.in_channels);
    step.geometry(0, narrow.x.dtype == DataType::kHALF ? 1 : 0).geometry(1, static_cast<std::int32_t>(how.pixels));
    step.reads(narrow.x.buffer).writes(wide.x.buffer);
    lowering.add(step.take());
    return {wide, exprs};
}

std::string refuse(const ConvolutionProblem& p, const Query& query) {
    if (p.y.dtype != DataType::kHALF) return "the network does not compute in float16";
    if (p.transposed() || p.groups != 1) return "only for convolutions of one group";
    if (p.in_channels >= kEight) return text("there are ", p.in_channels, " channels, only fewer than ", kEight, " are widened");
    return Product::refuse(p, query);
}

} // namespace

std::vector<Candidate> convolution_widened(const ConvolutionProblem& problem, const Query& query) {
    const std::string why = refuse(problem, query);
    if (!why.empty()) return {{.name = "conv/widened", .refusal = why, .portable = false, .lower = {}}};
    const Widened how = way(problem, query.exprs);
    return coopmat_tiles("conv/widened", {}, Product(widened(problem, how), query.exprs), query.caps,
                         [problem, how](Lowering& lowering) { return lower_widening(problem, how, lowering); });
}

} // namespace tensorvk::tactics
