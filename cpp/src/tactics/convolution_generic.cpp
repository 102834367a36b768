// conv/generic and deconv/generic: one output element per invocation, everything that the operation can say. conv/cpu and deconv/cpu take the
// same step to oneDNN on the host, conv/winograd, conv/cpu_tile and deconv/cpu_tile to this library's own code there.
#include <array>
#include <tuple>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/convolution_problem.hpp"
#include "tactics/rounds.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kLocalSize = 64;

std::string variant(const ConvolutionProblem& p) { return (p.transposed() ? "transposed_" : "") + p.variant; }

void lower(const ConvolutionProblem& p, const char* kernel, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, p.operation.name, kernel + variant(p));
    step.geometry(2, lowering.is_constant(p.weights) ? 1 : 0);
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

//! False where it depends on what is not known yet. Stops in time: no product here is too large for its type.
bool has_fewer_products(const ConvolutionProblem& problem, std::int64_t limit, const shape::ExprPool& exprs) {
    std::int64_t products = problem.taps();
    shape::Exprs extents = problem.y.dims;
    extents.push_back(problem.x.dims[1]);
    for (const shape::Expr each : extents) {
        const auto extent = exprs.value(each);
        if (!extent || products >= limit) return false;
        products *= *extent;
    }
    return products < limit;
}

bool pads_depth(const ConvolutionProblem& problem) {
    const kernels::ConvGeometry& geometry = problem.convolution().geometry;
    return geometry.pre.size() == 3 && (geometry.pre[0] != 0 || geometry.post[0] != 0);
}

} // namespace

std::vector<Candidate> convolution_generic(const ConvolutionProblem& problem, const Query& query) {
    Candidate candidate;
    candidate.name = problem.transposed() ? "deconv/generic" : "conv/generic";
    candidate.refusal = refuse_rounds(query.caps, problem.taps() * (1 + rounds_of(problem.group_in(), kProductBodies)));
    if (candidate.refusal.empty()) candidate.refusal = refuse_epilogue(query, problem.roles, true);
    candidate.portable = true;
    candidate.lower = [problem](Lowering& lowering) { lower(problem, "convolution/generic:", lowering); };
    return {candidate};
}

// Three taps by three at stride 1, by fewer products (Lavin and Gray, 2015): 2 to 3 times as fast as the direct way where there are channels
// enough to pay for the transforms, and not so many that the weights, four times as large as they were, fill the memory.
std::vector<Candidate> convolution_winograd(const ConvolutionProblem& problem, const Query& query) {
    constexpr std::int64_t kEnoughChannels = 16, kEnoughProducts = 2 << 20, kBytesOfWindow = 6 * 6 * 4, kMostBytes = 16 << 20;
    constexpr ConvolutionProblem::Triple kWindow{1, 3, 3}, kOnes{1, 1, 1};
    Candidate candidate;
    candidate.name = "conv/winograd";
    candidate.host = true;
    candidate.refusal = refuse_cpu(query, "cpu/winograd:" + variant(problem));
    if (candidate.refusal.empty()) candidate.refusal = refuse_operands(query, problem.roles, true);
    if (problem.transposed() || problem.kernel != kWindow || problem.stride != kOnes || problem.dilation != kOnes || problem.groups != 1) {
        candidate.refusal = "only for one group, a window of 3 x 3, stride and dilation 1";
    } else if (problem.x.layout != Layout::kCHANNELS_LAST || problem.y.layout != Layout::kCHANNELS_LAST) {
        candidate.refusal = "only for tensors whose channels are last";
    } else if (pads_depth(problem)) {
        candidate.refusal = "only for volumes that are not padded in depth";
    } else if (problem.in_channels < kEnoughChannels || problem.out_channels < kEnoughChannels) {
        candidate.refusal = text("fewer than ", kEnoughChannels, " channels do not pay for the transforms");
    } else if (has_fewer_products(problem, kEnoughProducts, query.exprs)) {
        candidate.refusal = text("fewer than ", kEnoughProducts >> 20, " million products do not pay for the transforms");
    } else if (problem.in_channels > kMostBytes / kBytesOfWindow / problem.out_channels) {
        candidate.refusal = text("the transformed weights of ", problem.in_channels, " by ", problem.out_channels, " channels would take more than ",
                                 kMostBytes >> 20, " MB");
    }
    // Transforming weights in every run takes longer than what it gains.
    candidate.lower = [problem](Lowering& lowering) { lower(problem, lowering.is_constant(problem.weights) ? "cpu/winograd:" : "cpu/tiled_convolution:", lowering); };
    return {candidate};
}

namespace {

//! Kernels of bfloat16 on the host take the input as that or round it themselves; so they do with weights.
std::string refuse_types(const ConvolutionProblem& problem, const Query& query) {
    if (problem.variant != "bf16") return {};
    for (std::size_t i = 1; i < problem.operation.inputs.size(); ++i) {
        const Value& value = query.input(i);
        if (value.dtype != DataType::kFLOAT) return text("'", value.name, "' is ", dtype_name(value.dtype), ", the kernel takes weights and bias as float32");
    }
    return {};
}

} // namespace

std::vector<Candidate> convolution_cpu(const ConvolutionProblem& problem, const Query& query) {
    const std::string family = problem.transposed() ? "deconv" : "conv";
    std::vector<Candidate> out;
    const std::tuple onednn{"/cpu", "cpu/convolution:", false}, tiles{"/cpu_tile", "cpu/tiled_convolution:", true};
    // Whole vectors of a transposed one's phases go straight to their places from tiles, and by another copy from oneDNN.
    constexpr std::int64_t kVector = 16;
    const bool straight = problem.transposed() && problem.operation.epilogue.empty() && problem.out_channels >= kVector;
    for (const auto& [name, kernel, tiled] : straight ? std::array{tiles, onednn} : std::array{onednn, tiles}) {
        Candidate candidate;
        candidate.name = family + name;
        candidate.host = true;
        candidate.refusal = refuse_cpu(query, kernel + variant(problem));
        if (candidate.refusal.empty()) candidate.refusal = refuse_types(problem, query);
        if (candidate.refusal.empty()) candidate.refusal = tiled ? refuse_operands(query, problem.roles, true) : refuse_epilogue(query, problem.roles, false);
        candidate.lower = [problem, at = kernel](Lowering& lowering) { lower(problem, at, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
