// conv/generic and deconv/generic: one output element per invocation, everything that the operation can say.
#include "tactics/convolution_problem.hpp"
#include "tactics/rounds.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kLocalSize = 64;

void lower(const ConvolutionProblem& p, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const std::string variant = std::string(p.transposed() ? "transposed_" : "") + (p.half() ? "f16" : "f32");
    StepBuilder step(lowering, p.operation.name, "convolution/generic:" + variant);
    const shape::Expr count = exprs.product(p.y.dims);
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(count, exprs.constant(kLocalSize)));
    step.param(count)
        .param(p.out_channels)
        .params(p.spatial(p.y, exprs))
        .param(p.in_channels)
        .params(p.spatial(p.x, exprs));
    step.param(p.groups).params(p.kernel).params(p.stride).params(p.dilation).params(p.pre);
    step.param(p.x.layout == Layout::kCHANNELS_LAST ? 1 : 0)
        .param(p.y.layout == Layout::kCHANNELS_LAST ? 1 : 0)
        .param(p.bias >= 0 ? 1 : 0);
    step.reads(p.x.buffer).reads(p.weights.buffer).reads(p.bias >= 0 ? p.bias : p.weights.buffer).writes(p.y.buffer);
    add_epilogue(step, lowering, p.operation, p.roles, p.type_bits(), p.weights.buffer);
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> convolution_generic(const ConvolutionProblem& problem, const Query& query) {
    Candidate candidate;
    candidate.name = problem.transposed() ? "deconv/generic" : "conv/generic";
    candidate.refusal = refuse_rounds(query.caps, problem.taps() * (1 + rounds_of(problem.group_in(), kProductBodies)));
    if (candidate.refusal.empty()) candidate.refusal = refuse_epilogue(query, problem.roles, true);
    candidate.portable = true;
    candidate.lower = [problem](Lowering& lowering) { lower(problem, lowering); };
    return {candidate};
}

} // namespace tensorvk::tactics
