// pooling/vec4 and pooling/generic; pooling/cpu takes the step of the latter to the host.
#include <algorithm>

#include "support/error.hpp"
#include "support/dtype.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/rounds.hpp"
#include "tactics/spatial.hpp"
#include "tactics/word_types.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int32_t kLocalSize = 64;

struct Problem {
    Operation operation;
    Value x, y;

    [[nodiscard]] const kernels::PoolGeometry& geometry() const { return std::get<Pooling>(operation.kind).geometry; }
};

void add_triple(StepBuilder& step, std::uint32_t first, const std::vector<std::int64_t>& values) {
    const std::array<std::int64_t, 3> triple = spatial_triple<std::int64_t>(values, 1);
    for (std::uint32_t a = 0; a < 3; ++a) {
        step.geometry(first + a, static_cast<std::int32_t>(triple[a]));
    }
}

//! Maxima are of the numbers that integers stand for, too.
bool of_bytes(const Problem& problem) {
    return problem.geometry().op == kernels::PoolGeometry::Op::kMAX && is_byte(problem.x.dtype) && problem.x.dtype == problem.y.dtype;
}

void lower(const Problem& problem, bool vec4, const std::string& kernel, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const kernels::PoolGeometry& g = problem.geometry();
    const bool bytes = of_bytes(problem);
    StepBuilder step(lowering, problem.operation.name, kernel);
    const shape::Expr elements = element_count(exprs, problem.y);
    const shape::Expr count = vec4 ? exprs.floor_div(elements, exprs.constant(4)) : elements;
    const shape::Expr invocations = bytes && !vec4 ? exprs.ceil_div(elements, exprs.constant(4)) : count;
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(invocations, exprs.constant(kLocalSize)));
    step.param(count).param(problem.x.dims[1]).params(spatial_extents(exprs, problem.y)).params(spatial_extents(exprs, problem.x));
    step.params(spatial_triple<std::int64_t>(g.pre, 0)).params(spatial_triple<std::int64_t>(g.post, 0));
    step.geometry(0, g.op == kernels::PoolGeometry::Op::kAVERAGE ? 1 : 0).geometry(1, g.exclude_padding ? 1 : 0);
    step.geometry(2, bytes ? word_type(problem.x.dtype) : half_bits(problem.x, problem.y));
    step.geometry(3, problem.x.layout == Layout::kCHANNELS_LAST ? 1 : 0).geometry(4, problem.y.layout == Layout::kCHANNELS_LAST ? 1 : 0);
    add_triple(step, 5, g.window);
    add_triple(step, 8, g.stride);
    add_triple(step, 11, g.dilation);
    step.reads(problem.x.buffer).writes(problem.y.buffer);
    lowering.add(step.take());
}

std::string shader(const Problem& problem, bool vec4) {
    return std::string("pooling/pool:") + (vec4 ? "vec4_" : "") + (of_bytes(problem) ? "bytes" : float_variant(problem.x, problem.y));
}

Candidate candidate(const char* name, const Problem& problem, bool vec4, std::string refusal, const vulkan::DeviceCaps& caps) {
    if (refusal.empty() && !of_bytes(problem)) {
        refusal = refuse_float_pair(problem.x, problem.y, caps);
    }
    Candidate out{.name = name, .refusal = std::move(refusal), .portable = true, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, vec4](Lowering& lowering) { lower(problem, vec4, shader(problem, vec4), lowering); };
    }
    return out;
}

Candidate cpu(const Problem& problem, std::string refusal, const Query& query) {
    const bool bytes = of_bytes(problem);
    const std::string kernel = !bytes ? cpu_float_kernel(query, "cpu/pooling") : problem.x.dtype == DataType::kINT8 ? "cpu/pooling:i8" : "cpu/pooling:u8";
    if (refusal.empty()) refusal = bytes ? refuse_cpu(query, kernel) : refuse_cpu_float(query, "cpu/pooling");
    Candidate out{.name = "pooling/cpu", .refusal = std::move(refusal), .host = true, .portable = false, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, kernel](Lowering& lowering) { lower(problem, false, kernel, lowering); };
    }
    return out;
}

} // namespace

std::vector<Candidate> pooling_candidates(const Query& query) {
    const Problem problem{query.operation, query.input(0), query.output()};
    const std::size_t axes = problem.geometry().window.size();
    std::string refusal;
    if (axes < 1 || axes > 3) {
        refusal = text("the window has ", axes, " axes, 1 to 3 are allowed");
    }
    std::int64_t window = 1;
    for (const std::int64_t extent : problem.geometry().window) {
        window *= extent;
    }
    const std::string rounds = refusal.empty() ? refuse_rounds(query.caps, 2 * window) : refusal;
    const std::string vectors = rounds.empty() ? refuse_channel_vectors(problem.x, problem.y, query.exprs) : rounds;
    return {candidate("pooling/vec4", problem, true, vectors, query.caps), cpu(problem, refusal, query),
            candidate("pooling/generic", problem, false, rounds, query.caps)};
}

} // namespace tensorvk::tactics
