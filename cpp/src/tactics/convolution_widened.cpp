// conv/widened_<tile>: convolutions of pictures with few channels on matrix units, which take channels in eights. A first step rounds the picture to float16 and
// lays eight channels together: those of one pixel and zeros, or, where the window moves by two, four of each of two pixels, which is half as much to multiply.
#include "support/error.hpp"
#include "tactics/picture.hpp"
#include "tactics/product.hpp"

namespace tensorvk::tactics {
namespace {

//! Adds the step that widens, and says where to.
Product lower_widening(const ConvolutionProblem& narrow, const Widened& how, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    ConvolutionProblem wide = of_wide_picture(narrow, how);
    wide.x.dims[1] = exprs.constant(kUnitHalves);
    wide.x.dims.back() = exprs.floor_div(narrow.x.dims.back(), exprs.constant(how.pixels));
    const shape::Expr units = exprs.floor_div(exprs.product(wide.x.dims), exprs.constant(kUnitHalves));
    wide.x.buffer = lowering.scratch(exprs.mul(units, exprs.constant(kUnitHalves * 2)));
    StepBuilder step(lowering, narrow.operation.name, "convolution/widen:f16");
    step.invocations(units);
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
    if (std::string why = refuse_picture(p); !why.empty()) return why;
    return Product::refuse(p, query);
}

} // namespace

std::vector<Candidate> convolution_widened(const ConvolutionProblem& problem, const Query& query) {
    const std::string why = refuse(problem, query);
    if (!why.empty()) return {{.name = "conv/widened", .refusal = why, .portable = false, .lower = {}}};
    // A unit of the wide picture has to lie in one line.
    const bool even = query.exprs.value(problem.x.dims.back()).value_or(1) % 2 == 0;
    const Widened how = widening_of(problem, even);
    return coopmat_tiles("conv/widened", {}, Product(of_wide_picture(problem, how), query.exprs), query.caps,
                         [problem, how](Lowering& lowering, const Multiply& multiply) { multiply(lower_widening(problem, how, lowering)); });
}

} // namespace tensorvk::tactics
