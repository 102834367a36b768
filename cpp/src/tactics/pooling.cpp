// pooling/wide, pooling/vec4 and pooling/generic: sixteen bytes of neighbouring channels an invocation, four channels, and one; pooling/cpu takes the step of
// the last to the host. Shaders read channels that are a part of a larger value's.
#include <algorithm>
#include <array>

#include "support/error.hpp"
#include "support/dtype.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/rounds.hpp"
#include "tactics/spatial.hpp"
#include "tactics/word_types.hpp"

namespace tensorvk::tactics {

namespace {

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

//! Channels that one invocation takes together.
enum class Together { kONE, kFOUR, kSIXTEEN_BYTES };

std::int64_t channels_of(Together together, const Problem& problem) {
    constexpr std::int64_t kBytes = 16;
    return together == Together::kONE ? 1 : together == Together::kFOUR ? 4 : kBytes / static_cast<std::int64_t>(dtype_size(problem.x.dtype));
}

void lower(const Problem& problem, Together together, const std::string& kernel, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const kernels::PoolGeometry& g = problem.geometry();
    const bool bytes = of_bytes(problem);
    StepBuilder step(lowering, problem.operation.name, kernel);
    const shape::Expr elements = element_count(exprs, problem.y);
    const shape::Expr count = exprs.floor_div(elements, exprs.constant(channels_of(together, problem)));
    const shape::Expr invocations = bytes && together == Together::kONE ? exprs.ceil_div(elements, exprs.constant(4)) : count;
    step.invocations(invocations);
    step.param(count).param(problem.x.dims[1]).params(spatial_extents(exprs, problem.y)).params(spatial_extents(exprs, problem.x));
    step.params(spatial_triple<std::int64_t>(g.pre, 0)).params(spatial_triple<std::int64_t>(g.post, 0));
    const shape::Expr unit = exprs.constant(channels_of(together, problem));
    const shape::Exprs strides = lowering.strides(problem.x);
    step.param(exprs.floor_div(strides.front(), unit)).param(exprs.floor_div(strides.back(), unit));
    step.geometry(0, g.op == kernels::PoolGeometry::Op::kAVERAGE ? 1 : 0).geometry(1, g.exclude_padding ? 1 : 0);
    step.geometry(2, bytes ? word_type(problem.x.dtype) : half_bits(problem.x, problem.y));
    step.geometry(3, problem.x.layout == Layout::kCHANNELS_LAST ? 1 : 0).geometry(4, problem.y.layout == Layout::kCHANNELS_LAST ? 1 : 0);
    add_triple(step, 5, g.window);
    add_triple(step, 8, g.stride);
    add_triple(step, 11, g.dilation);
    step.reads(problem.x.buffer).writes(problem.y.buffer);
    lowering.add(step.take());
}

std::string shader(const Problem& problem, Together together) {
    constexpr std::array<const char*, 3> kPrefix{"", "vec4_", "wide_"};
    return std::string("pooling/pool:") + kPrefix[static_cast<std::size_t>(together)] + (of_bytes(problem) ? "bytes" : float_variant(problem.x, problem.y));
}

Candidate candidate(const char* name, const Problem& problem, Together together, std::string refusal, const vulkan::DeviceCaps& caps) {
    if (refusal.empty() && !of_bytes(problem)) {
        refusal = refuse_float_pair(problem.x, problem.y, caps);
    }
    Candidate out{.name = name, .refusal = std::move(refusal), .portable = true, .strided = true, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, together](Lowering& lowering) { lower(problem, together, shader(problem, together), lowering); };
    }
    return out;
}

Candidate cpu(const Problem& problem, std::string refusal, const Query& query) {
    const bool bytes = of_bytes(problem);
    const std::string kernel = !bytes ? cpu_float_kernel(query, "cpu/pooling") : problem.x.dtype == DataType::kINT8 ? "cpu/pooling:i8" : "cpu/pooling:u8";
    if (refusal.empty()) refusal = bytes ? refuse_cpu(query, kernel) : refuse_cpu_float(query, "cpu/pooling");
    Candidate out{.name = "pooling/cpu", .refusal = std::move(refusal), .host = true, .portable = false, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, kernel](Lowering& lowering) { lower(problem, Together::kONE, kernel, lowering); };
    }
    return out;
}

std::string refuse_together(const Problem& problem, Together together, const shape::ExprPool& exprs) {
    const std::int64_t channels = channels_of(together, problem);
    const std::string why = refuse_channel_vectors(problem.x, problem.y, channels, exprs);
    if (!why.empty() || keeps_units(exprs, problem.x, channels)) return why;
    return text("the pixels of '", problem.x.name, "' are not at multiples of ", channels, " elements");
}

std::string refuse_wide(const Problem& problem, const shape::ExprPool& exprs) {
    const bool halves = problem.x.dtype == DataType::kHALF && problem.y.dtype == DataType::kHALF;
    if (problem.geometry().op != kernels::PoolGeometry::Op::kMAX || !(halves || of_bytes(problem))) return "only for maxima of float16 or 8-bit integers";
    return refuse_together(problem, Together::kSIXTEEN_BYTES, exprs);
}

} // namespace

std::vector<Candidate> pooling_candidates(const Query& query) {
    const Problem problem{query.operation, query.input(0), query.output()};
    const std::size_t axes = problem.geometry().window.size();
    std::string refusal;
    if (axes < 1 || axes > 3) {
        refusal = text("the window has ", axes, " axes, 1 to 3 are allowed");
    }
    shape::ExprPool exprs = query.exprs; // a scratch copy
    if (refusal.empty() && !has_even_pixels(exprs, problem.x)) {
        refusal = text("the pixels of '", problem.x.name, "' are not at one distance with their channels side by side");
    }
    std::int64_t window = 1;
    for (const std::int64_t extent : problem.geometry().window) {
        window *= extent;
    }
    const std::string rounds = refusal.empty() ? refuse_rounds(query.caps, 2 * window) : refusal;
    const std::string vectors = rounds.empty() ? refuse_together(problem, Together::kFOUR, query.exprs) : rounds;
    const std::string wide = rounds.empty() ? refuse_wide(problem, query.exprs) : rounds;
    return {candidate("pooling/wide", problem, Together::kSIXTEEN_BYTES, wide, query.caps), candidate("pooling/vec4", problem, Together::kFOUR, vectors, query.caps),
            cpu(problem, refusal, query), candidate("pooling/generic", problem, Together::kONE, rounds, query.caps)};
}

} // namespace tensorvk::tactics
