// conv/patches_coopmat_<tile>, conv/patches_shared_<tile>: convolutions of few channels whose windows do not overlap, as the first layers of vision transformers are. A first step
// lays the elements under each window together (shaders/convolution/patches.comp), which a product then reads as channels.
#include "support/error.hpp"
#include "tactics/layout.hpp"
#include "tactics/matrix_units.hpp"
#include "tactics/product.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int64_t kFours = 4, kEights = 8;

//! The convolution of one tap over those rows, but for where they lie.
ConvolutionProblem of_rows(ConvolutionProblem p, DataType type) {
    p.in_channels *= p.taps();
    p.kernel = p.stride = {1, 1, 1};
    p.x.layout = Layout::kCHANNELS_LAST;
    p.x.dtype = type;
    p.x.strides.clear();
    p.x.dims[2] = p.y.dims[2];
    p.x.dims[3] = p.y.dims[3];
    return p;
}

//! Adds the step that lays them there, and says where.
Product lower_patches(const ConvolutionProblem& p, DataType type, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    ConvolutionProblem rows = of_rows(p, type);
    rows.x.dims[1] = exprs.constant(rows.in_channels);
    const bool half = type == DataType::kHALF;
    const shape::Expr elements = exprs.product(rows.x.dims), fours = exprs.floor_div(elements, exprs.constant(kFours));
    rows.x.buffer = lowering.scratch(exprs.mul(elements, exprs.constant(half ? 2 : 4)));
    const bool halves = half || p.x.dtype == DataType::kHALF;
    StepBuilder step(lowering, p.operation.name, halves ? "convolution/patches:f16" : "convolution/patches:f32");
    step.invocations(fours);
    const shape::Exprs strides = lowering.strides(p.x);
    step.param(fours).param(rows.in_channels / kFours).param(p.y.dims[2]).param(p.y.dims[3]);
    step.param(strides[0]).param(strides[2]).param(strides[3]).param(strides[1]).param(p.kernel[1]).param(p.kernel[2]).param(p.stride[1]).param(p.stride[2]);
    step.geometry(0, p.x.dtype == DataType::kHALF ? 1 : 0).geometry(1, half ? 1 : 0);
    step.reads(p.x.buffer).writes(rows.x.buffer);
    lowering.add(step.take());
    return {rows, exprs};
}

std::string refuse(const ConvolutionProblem& p, const Query& query) {
    if (query.caps.is_cpu) return "shared memory and barriers cost 10x on CPU drivers";
    if (p.transposed() || p.groups != 1 || p.x.dims.size() != 4) return "only for convolutions of pictures, of one group, that are not transposed";
    for (const std::size_t axis : {std::size_t{1}, std::size_t{2}}) {
        if (p.stride[axis] < p.kernel[axis] || p.dilation[axis] != 1 || p.pre[axis] != 0 || p.convolution().geometry.post[axis - 1] != 0) return "the windows overlap, are dilated or reach beside the picture";
    }
    if (p.taps() == 1) return "the window has one tap";
    if (p.in_channels % kEights == 0) return text("there are ", p.in_channels, " channels, which lie together as they are");
    if (p.in_channels * p.taps() % kFours != 0) return text("the ", p.in_channels * p.taps(), " elements of a window do not come in fours");
    return Product::refuse(p, query);
}

} // namespace

std::vector<Candidate> convolution_patches(const ConvolutionProblem& problem, const Query& query) {
    const std::string why = refuse(problem, query);
    if (!why.empty()) return {{.name = "conv/patches", .refusal = why, .portable = false, .lower = {}}};
    const bool half = problem.y.dtype == DataType::kHALF && refuse_half_matrices(query.caps).empty();
    const DataType type = half ? DataType::kHALF : DataType::kFLOAT;
    const AroundProduct around = [problem, type](Lowering& lowering, const Multiply& multiply) { multiply(lower_patches(problem, type, lowering)); };
    const Product rows(of_rows(problem, type), query.exprs);
    std::vector<Candidate> out = half ? coopmat_tiles("conv/patches_coopmat", {}, rows, query.caps, around) : shared_tiles("conv/patches_shared", {}, rows, query.caps, around);
    constexpr double kReadAndWritten = 6.0; // bytes of an element, of a picture of floats
    for (Candidate& candidate : out) {
        if (candidate.estimate > 0.0) candidate.estimate += estimated_transform_us(kReadAndWritten * static_cast<double>(rows.shape().least_rows * rows.shape().depth()));
        if (!half) candidate.estimate = 0.0; // as of other products of floats
    }
    return out;
}

} // namespace tensorvk::tactics
