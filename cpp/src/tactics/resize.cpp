// resize/vec4 and resize/generic; resize/cpu takes the step of the latter to the host.
#include <algorithm>
#include <bit>

#include "support/error.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/spatial.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::size_t kNone = SIZE_MAX;

struct Problem {
    Operation operation;
    Value x, y;
    std::size_t first = 0; // axis at which the spatial axes begin; kNone: this resize is none of theirs
    std::size_t channel = kNone; // axis of the channels, kNone: one channel

    [[nodiscard]] const Resize& resize() const { return std::get<Resize>(operation.kind); }

    explicit Problem(const Query& query) : operation(query.operation), x(query.input(0)), y(query.output()) {
        std::size_t kept = 0; // axes before the first one that changes
        while (kept < x.dims.size() && !changes(kept)) {
            ++kept;
        }
        const std::size_t rank = x.dims.size();
        const std::size_t usual = rank >= 3 ? 2 : 0;
        first = std::min(kept, usual);
        if (rank > first + 3) {
            first = kept + 3 >= rank && x.layout == Layout::kLINEAR && y.layout == Layout::kLINEAR ? rank - 3 : kNone;
        }
        if (first != usual && (x.layout == Layout::kCHANNELS_LAST || y.layout == Layout::kCHANNELS_LAST)) {
            first = kNone;
        }
        channel = first == kNone || first == 0 ? kNone : first - 1;
    }

    [[nodiscard]] bool changes(std::size_t axis) const {
        const std::vector<float>& scales = resize().scales;
        return x.dims[axis] != y.dims[axis] || (!scales.empty() && scales[axis] != 1.0f);
    }
};

// A scale that is known here is as exact as a float can be; the device computes the others.
std::array<std::int32_t, 3> scale_bits(const Problem& problem, const shape::ExprPool& exprs) {
    std::array<std::int32_t, 3> bits{};
    const std::size_t axes = problem.x.dims.size() - problem.first;
    for (std::size_t a = 0; a < axes; ++a) {
        const std::size_t axis = problem.first + a;
        const auto in = exprs.value(problem.x.dims[axis]);
        const auto out = exprs.value(problem.y.dims[axis]);
        std::int32_t& scale = bits[3 - axes + a];
        if (!problem.resize().scales.empty()) {
            scale = std::bit_cast<std::int32_t>(problem.resize().scales[axis]);
        } else if (in && out && *in > 0) {
            scale = std::bit_cast<std::int32_t>(static_cast<float>(*out) / static_cast<float>(*in));
        }
    }
    return bits;
}

void add_geometry(StepBuilder& step, const Problem& problem) {
    const Resize& r = problem.resize();
    step.geometry(0, static_cast<std::int32_t>(r.mode)).geometry(1, static_cast<std::int32_t>(r.coordinates));
    step.geometry(2, r.selector == ResizeSelector::kUPPER ? 1 : 0).geometry(3, static_cast<std::int32_t>(r.rounding));
    step.geometry(4, r.exclude_outside ? 1 : 0);
    const std::int32_t taps = r.mode == InterpolationMode::kCUBIC ? 4 : r.mode == InterpolationMode::kLINEAR ? 2 : 1;
    const std::size_t axes = problem.x.dims.size() - problem.first;
    for (std::size_t a = 0; a < axes; ++a) {
        if (problem.changes(problem.first + a)) {
            step.geometry(static_cast<std::uint32_t>(5 + 3 - axes + a), taps);
        }
    }
    step.geometry(8, half_bits(problem.x, problem.y));
    step.geometry(9, problem.x.layout == Layout::kCHANNELS_LAST ? 1 : 0).geometry(10, problem.y.layout == Layout::kCHANNELS_LAST ? 1 : 0);
}

void lower(const Problem& problem, bool vec4, const std::string& kernel, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, problem.operation.name, kernel);
    const shape::Expr elements = element_count(exprs, problem.y);
    const shape::Expr count = vec4 ? exprs.floor_div(elements, exprs.constant(4)) : elements;
    step.invocations(count);
    step.param(count).param(problem.channel == kNone ? exprs.constant(1) : problem.x.dims[problem.channel]);
    step.params(spatial_extents(exprs, problem.y, problem.first)).params(spatial_extents(exprs, problem.x, problem.first));
    for (const std::int32_t bits : scale_bits(problem, exprs)) {
        step.param(bits);
    }
    step.param(std::bit_cast<std::int32_t>(problem.resize().cubic_coeff));
    add_geometry(step, problem);
    step.reads(problem.x.buffer).writes(problem.y.buffer);
    lowering.add(step.take());
}

std::string shader(const Problem& problem, bool vec4) {
    return std::string("resize/generic:") + (vec4 ? "vec4_" : "") + float_variant(problem.x, problem.y);
}

Candidate candidate(const char* name, const Problem& problem, bool vec4, std::string refusal, const vulkan::DeviceCaps& caps) {
    if (refusal.empty()) {
        refusal = refuse_float_pair(problem.x, problem.y, caps);
    }
    Candidate out{.name = name, .refusal = std::move(refusal), .portable = true, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, vec4](Lowering& lowering) { lower(problem, vec4, shader(problem, vec4), lowering); };
    }
    return out;
}

Candidate cpu(const Problem& problem, std::string refusal, const Query& query) {
    constexpr const char* kFamily = "cpu/resize";
    if (refusal.empty()) refusal = refuse_cpu_float(query, kFamily);
    Candidate out{.name = "resize/cpu", .refusal = std::move(refusal), .host = true, .portable = false, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, kernel = cpu_float_kernel(query, kFamily)](Lowering& lowering) { lower(problem, false, kernel, lowering); };
    }
    return out;
}

} // namespace

std::vector<Candidate> resize_candidates(const Query& query) {
    const Problem problem(query);
    const std::string refusal = problem.first == kNone ? "only the last three axes can be resized, and with channels last only the spatial ones" : "";
    std::string vectors = refusal;
    if (vectors.empty()) {
        vectors = problem.first == 2 ? refuse_channel_vectors(problem.x, problem.y, 4, query.exprs) : "the tensor has no channels last";
    }
    return {candidate("resize/vec4", problem, true, vectors, query.caps), cpu(problem, refusal, query),
            candidate("resize/generic", problem, false, refusal, query.caps)};
}

} // namespace tensorvk::tactics
