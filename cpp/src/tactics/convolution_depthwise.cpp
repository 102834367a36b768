// conv/depthwise: one filter per channel (shaders/convolution/depthwise.comp, and of 8-bit integers shaders/quantized/depthwise.comp).
#include "support/error.hpp"
#include "tactics/convolution_problem.hpp"
#include "tactics/packing.hpp"
#include "tactics/quantized.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kLocalSize = 64;
constexpr std::int64_t kWidestSpan = 48; // input positions that an invocation's unrolled row covers

//! Input positions under `outputs` neighbouring outputs.
std::int64_t span_of(const ConvolutionProblem& p, std::int64_t outputs) {
    return (outputs - 1) * p.stride[2] + (p.kernel[2] - 1) * p.dilation[2] + 1;
}

std::string refuse(const ConvolutionProblem& p, const Query& query) {
    if (p.groups != p.in_channels || p.out_channels != p.in_channels || p.groups == 1) {
        return text("there are ", p.groups, " groups, ", p.in_channels, " input and ", p.out_channels,
                    " output channels; depthwise means as many of each");
    }
    if (p.x.dims.size() > 4)
        return text("the convolution has ", p.x.dims.size() - 2, " spatial axes, this kernel takes one or two");
    if (p.in_channels % 4 != 0) return text("there are ", p.in_channels, " channels, not a multiple of 4");
    if (p.x.layout != Layout::kCHANNELS_LAST || p.y.layout != Layout::kCHANNELS_LAST)
        return "the input or the output is not stored channels last";
    if (is_quantized(query) && p.taps() > exact_terms(p.x, p.weights, p.convolution().zero))
        return text("the window has ", p.taps(), " elements, more than float32 adds exactly");
    return refuse_epilogue(query, p.roles, false);
}

std::string refuse_width(const ConvolutionProblem& p, std::int64_t outputs) {
    if (span_of(p, outputs) <= kWidestSpan) return {};
    return text(outputs, " neighbouring outputs cover ", span_of(p, outputs),
                " inputs of a line, the kernel unrolls up to ", kWidestSpan);
}

void lower(const ConvolutionProblem& p, std::int32_t outputs, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const bool integers = p.weights.dtype != DataType::kFLOAT;
    const std::string& layer = p.operation.name;
    const Packing packing{.columns = p.out_channels,
                          .channels = 1,
                          .taps = p.taps(),
                          .half = packs_halves(p.x, lowering),
                          .source = p.weights.dtype,
                          .zero = p.convolution().zero.weights};
    const std::int32_t weights = pack_weights(lowering, layer, p.weights.buffer, packing);
    const std::int32_t bias = integers
                                  ? pack_parameters(lowering, layer, p.operation.epilogue, p.bias, p.out_channels)
                                  : pack_bias(lowering, layer, p.bias, p.out_channels);
    const auto in = p.spatial(p.x, exprs);
    const auto out = p.spatial(p.y, exprs);
    const shape::Expr runs = exprs.ceil_div(out[2], exprs.constant(outputs));
    const shape::Expr count =
        exprs.product(shape::Exprs{p.y.dims[0], out[1], runs, exprs.constant(p.out_channels / 4)});

    StepBuilder step(lowering, layer,
                     integers   ? "quantized/depthwise:int8"
                     : p.half() ? "convolution/depthwise:f16"
                                : "convolution/depthwise:f32");
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(count, exprs.constant(kLocalSize)));
    step.param(count).param(p.out_channels / 4).param(runs).param(out[1]).param(out[2]).param(in[1]).param(in[2]);
    step.param(p.kernel[1]).param(p.stride[1]).param(p.dilation[1]).param(p.pre[1]).param(p.pre[2]);
    step.geometry(4, static_cast<std::int32_t>(p.kernel[2])).geometry(5, static_cast<std::int32_t>(p.stride[2]));
    step.geometry(6, static_cast<std::int32_t>(p.dilation[2])).geometry(7, outputs);
    step.reads(p.x.buffer).reads(weights).reads(bias).writes(p.y.buffer);
    if (integers) {
        step.geometry(8, p.convolution().zero.x);
        add_quantized_epilogue(step, lowering, p.operation, p.roles, lowering.caps().is_cpu);
    } else {
        add_epilogue(step, lowering, p.operation, p.roles, p.type_bits() | (packing.half ? kFactorHalf : 0), bias);
    }
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> convolution_depthwise(const ConvolutionProblem& problem, const Query& query) {
    if (problem.transposed()) return {};
    const std::string family = is_quantized(query) ? "conv_int8/depthwise" : "conv/depthwise";
    const std::string common = refuse(problem, query);
    if (!common.empty()) return {{.name = family, .refusal = common, .portable = true, .lower = {}}};
    std::vector<Candidate> out;
    for (const std::int32_t outputs : {4, 8, 1}) {
        Candidate candidate;
        candidate.name = text(family, "_", outputs);
        candidate.refusal = refuse_width(problem, outputs);
        candidate.portable = true;
        candidate.lower = [problem, outputs](Lowering& lowering) { lower(problem, outputs, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
