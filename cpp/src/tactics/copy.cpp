// copy/vec4, copy/vec2, copy/words, copy/generic and copy/packed: one kernel, moving units of 16, 8 or 4 bytes or single elements, the last as parts of words.
// And copy/transpose. copy/cpu takes the same step to the host.
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "kernels/host/tensor.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/copy_plan.hpp"
#include "tactics/copy_transpose.hpp"
#include "tactics/families.hpp"
#include "tactics/step_builder.hpp"
#include "tactics/word_types.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::size_t kMostAxes = 8, kMostBoundedAxes = 6, kMostBounds = 3; // of shaders/copy/generic.comp

//! The fill value's bytes, repeated to eight.
std::array<std::int32_t, 2> fill_words(double fill, DataType dtype) {
    kernels::host::Tensor element(dtype, {1});
    element.set(0, fill);
    std::array<std::byte, 8> bytes{};
    for (std::size_t at = 0; at < bytes.size(); at += element.data.size()) {
        std::memcpy(&bytes[at], element.data.data(), element.data.size());
    }
    return std::bit_cast<std::array<std::int32_t, 2>>(bytes);
}

struct Problem {
    Operation operation;
    Value source, target;

    [[nodiscard]] const Copy& copy() const { return std::get<Copy>(operation.kind); }
};

void add_params(StepBuilder& step, shape::ExprPool& exprs, const CopyPlan& plan, bool bounded) {
    const shape::Expr zero = exprs.constant(0);
    const std::size_t places = bounded ? kMostBoundedAxes : kMostAxes;
    const auto at = [&](std::size_t i, auto get) { return i < plan.axes.size() ? get(plan.axes[i]) : zero; };
    for (std::size_t i = 1; i < places; ++i) {
        step.param(at(i, [](const StridedAxis& axis) { return axis.extent; }));
    }
    for (const std::size_t tensor : {kSource, kTarget}) {
        for (std::size_t i = 0; i < places; ++i) {
            step.param(at(i, [&](const StridedAxis& axis) { return axis.strides[tensor]; }));
        }
    }
}

void add_bounds(StepBuilder& step, shape::ExprPool& exprs, const CopyPlan& plan, const Problem& problem) {
    const auto add = [&](shape::Expr CopyBound::*member) {
        for (std::size_t i = 0; i < kMostBounds; ++i) {
            step.param(i < plan.bounds.size() ? plan.bounds[i].*member : exprs.constant(0));
        }
    };
    add(&CopyBound::start);
    add(&CopyBound::step);
    add(&CopyBound::limit);
    for (std::size_t i = 0; i < plan.bounds.size(); ++i) {
        step.geometry(static_cast<std::uint32_t>(1 + i), static_cast<std::int32_t>(plan.bounds[i].axis) + 1);
    }
    const std::array<std::int32_t, 2> fill = fill_words(problem.copy().fill, problem.target.dtype);
    step.geometry(4, static_cast<std::int32_t>(problem.copy().outside)).geometry(5, fill[1]).param(fill[0]);
}

void lower(const Problem& problem, const char* kernel, std::int64_t unit_bytes, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    CopyPlan plan = plan_copy(exprs, problem.copy(), problem.source, problem.target);
    plan = in_units(exprs, std::move(plan), unit_bytes / static_cast<std::int64_t>(dtype_size(problem.target.dtype)));
    const bool bounded = !plan.bounds.empty();
    const shape::Expr count = plan.count(exprs);
    StepBuilder step(lowering, problem.operation.name, text(kernel, bounded ? "bounded_b" : "b", 8 * unit_bytes));
    step.invocations(count);
    step.geometry(0, static_cast<std::int32_t>(plan.axes.size())).param(count).param(plan.source_base).param(plan.target_base);
    add_params(step, exprs, plan, bounded);
    if (bounded) {
        add_bounds(step, exprs, plan, problem);
    }
    step.reads(problem.source.buffer).writes(problem.target.buffer);
    lowering.add(step.take());
}

std::string refuse(const CopyPlan& plan) {
    const std::size_t most = plan.bounds.empty() ? kMostAxes : kMostBoundedAxes;
    if (plan.axes.size() > most) {
        return text("the copy has ", plan.axes.size(), " axes after merging, at most ", most, " are allowed; reshape the tensor first");
    }
    if (plan.bounds.size() > kMostBounds) {
        return text("the copy may leave the source along ", plan.bounds.size(), " axes, at most ", kMostBounds, " are allowed; split the padding");
    }
    return plan.refusal;
}

Candidate candidate(const char* name, const Problem& problem, std::int64_t unit_bytes, std::string refusal, bool packed = false) {
    Candidate out{.name = name, .refusal = std::move(refusal), .portable = unit_bytes >= 4 || packed, .lower = {}};
    if (out.applicable()) {
        const char* kernel = packed ? "copy/generic:packed_" : "copy/generic:";
        out.lower = [problem, unit_bytes, kernel](Lowering& lowering) { lower(problem, kernel, unit_bytes, lowering); };
    }
    return out;
}

//! In the largest unit that fits.
Candidate cpu(const Query& query, const shape::ExprPool& exprs, const Problem& problem, const CopyPlan& plan, std::string refusal) {
    const auto size = static_cast<std::int64_t>(dtype_size(problem.target.dtype));
    std::int64_t unit = 16;
    while (unit > size && !moves_in_units(exprs, plan, unit / size)) {
        unit /= 2;
    }
    if (refusal.empty()) refusal = refuse_cpu(query, text("cpu/copy:b", 8 * unit));
    Candidate out{.name = "copy/cpu", .refusal = std::move(refusal), .host = true, .portable = false, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, unit](Lowering& lowering) { lower(problem, "cpu/copy:", unit, lowering); };
    }
    return out;
}

} // namespace

std::vector<Candidate> copy_candidates(const Query& query) {
    const Problem problem{query.operation, query.input(0), query.output()};
    shape::ExprPool exprs = query.exprs; // a scratch copy: questions about expressions make new ones
    const CopyPlan plan = plan_copy(exprs, problem.copy(), problem.source, problem.target);
    const auto size = static_cast<std::int64_t>(dtype_size(problem.target.dtype));
    const std::string refusal = problem.source.dtype == problem.target.dtype ? refuse(plan) : "a copy cannot change the element type";
    const auto in_units_of = [&](std::int64_t bytes) {
        return !refusal.empty() ? refusal : moves_in_units(exprs, plan, bytes / size) ? "" : text("elements do not move in runs of ", bytes, " bytes");
    };
    std::vector<Candidate> out{cpu(query, exprs, problem, plan, refusal), candidate("copy/vec4", problem, 16, in_units_of(16))};
    if (!out.back().applicable()) { // smaller units are worth trying where the largest does not fit
        for (const auto& [name, bytes] : {std::pair("copy/vec2", 8), std::pair("copy/words", 4)}) {
            if (size < bytes) {
                out.push_back(candidate(name, problem, bytes, in_units_of(bytes)));
            }
        }
        out.push_back(transpose_candidate(query, exprs, plan, refusal));
    }
    out.push_back(candidate("copy/generic", problem, size, refusal.empty() ? refuse_storage(size, query.caps) : refusal));
    if (size < 4) out.push_back(candidate("copy/packed", problem, size, refusal.empty() ? refuse_packing(size, query.caps) : refusal, true));
    for (Candidate& each : out) each.strided = true;
    return out;
}

} // namespace tensorvk::tactics
