// shape_values/generic: integers that the host computes from the shapes, written through push constants.
#include <algorithm>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/families.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::size_t kAtOnce = 28; // of shaders/shape_values/generic.comp

struct Problem {
    Operation operation;
    Value output;

    [[nodiscard]] const shape::Exprs& values() const { return std::get<ShapeValues>(operation.kind).values; }
};

void lower(const Problem& problem, const char* kernel, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const shape::Exprs& values = problem.values();
    for (std::size_t first = 0; first < values.size(); first += kAtOnce) {
        const std::size_t count = std::min(kAtOnce, values.size() - first);
        StepBuilder step(lowering, problem.operation.name, kernel);
        step.specialize(false).local_size(static_cast<std::int32_t>(kAtOnce)).flat_groups(exprs.constant(1));
        step.param(static_cast<std::int64_t>(count)).param(static_cast<std::int64_t>(first));
        step.params(shape::Exprs(values.begin() + static_cast<std::ptrdiff_t>(first), values.begin() + static_cast<std::ptrdiff_t>(first + count)));
        step.geometry(0, problem.output.dtype == DataType::kINT64 ? 1 : 0).writes(problem.output.buffer);
        lowering.add(step.take(), first > 0);
    }
}

} // namespace

std::vector<Candidate> shape_values_candidates(const Query& query) {
    const Problem problem{query.operation, query.output()};
    Candidate out{.name = "shape_values/generic", .refusal = {}, .portable = true, .lower = {}};
    if (problem.output.dtype != DataType::kINT32 && problem.output.dtype != DataType::kINT64) {
        out.refusal = text("shape values are stored as int32 or int64, not as ", dtype_name(problem.output.dtype));
    } else {
        out.lower = [problem](Lowering& lowering) { lower(problem, "shape_values/generic:words", lowering); };
    }
    const std::string kernel = "cpu/shape_values:words";
    Candidate cpu{.name = "shape_values/cpu", .refusal = out.applicable() ? refuse_cpu(query, kernel) : out.refusal, .host = true, .portable = false, .lower = {}};
    if (cpu.applicable()) {
        cpu.lower = [problem, kernel](Lowering& lowering) { lower(problem, kernel.c_str(), lowering); };
    }
    return {cpu, out};
}

} // namespace tensorvk::tactics
