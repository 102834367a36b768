// softmax/vec4, softmax/workgroup and softmax/generic: softmax and its logarithm along one axis; softmax/cpu takes the step of the last to the
// host.
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/rows.hpp"
#include "tactics/spatial.hpp"

namespace tensorvk::tactics {

namespace {

struct Problem {
    Operation operation;
    Value x, y;

    [[nodiscard]] const SoftMax& softmax() const { return std::get<SoftMax>(operation.kind); }
    [[nodiscard]] std::size_t axis() const { return static_cast<std::size_t>(softmax().axis); }
    [[nodiscard]] RowPlan plan(shape::ExprPool& exprs) const { return plan_rows(exprs, x, y, 1u << axis()); }
};

void lower(const Problem& problem, RowShape rows, const std::string& kernel, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, problem.operation.name, kernel);
    add_rows(step, exprs, problem.plan(exprs), rows);
    step.param(memory_strides(exprs, problem.y)[problem.axis()]);
    step.geometry(3, problem.softmax().log ? 1 : 0).geometry(4, half_bits(problem.x, problem.y));
    step.reads(problem.x.buffer).writes(problem.y.buffer);
    lowering.add(step.take());
}

std::string shader(const Problem& problem, RowShape rows) { return "softmax/rows:" + variant_prefix(rows) + float_variant(problem.x, problem.y); }

Candidate cpu(const Problem& problem, const RowPlan& plan, const Query& query) {
    constexpr const char* kFamily = "cpu/softmax";
    std::string refusal = plan.refusal();
    if (refusal.empty()) refusal = refuse_cpu_float(query, kFamily, true);
    Candidate out{.name = "softmax/cpu", .refusal = std::move(refusal), .host = true, .portable = false, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, kernel = cpu_float_kernel(query, kFamily)](Lowering& lowering) { lower(problem, RowShape::kLANE, kernel, lowering); };
    }
    return out;
}

} // namespace

std::vector<Candidate> softmax_candidates(const Query& query) {
    const Problem problem{query.operation, query.input(0), query.output()};
    shape::ExprPool exprs = query.exprs; // a scratch copy: questions about expressions make new ones
    const RowPlan plan = problem.plan(exprs);
    const bool output_in_fours = is_multiple_of(exprs, memory_strides(exprs, problem.y)[problem.axis()], 4);
    std::vector<Candidate> out;
    const auto offer = [&](const char* name, RowShape rows) {
        std::string why = refuse_row_shape(plan, rows, {.passes = 3, .bodies = 4}, exprs, query.caps);
        if (why.empty()) {
            why = refuse_float_pair(problem.x, problem.y, query.caps);
        }
        if (why.empty() && rows == RowShape::kFOUR && !output_in_fours) {
            why = "neighbouring rows do not lie side by side in groups of 4";
        }
        out.push_back({.name = name, .refusal = why, .portable = rows != RowShape::kWORKGROUP, .lower = {}});
        if (why.empty()) {
            out.back().lower = [problem, rows](Lowering& lowering) { lower(problem, rows, shader(problem, rows), lowering); };
        }
    };
    offer("softmax/vec4", RowShape::kFOUR);
    offer("softmax/workgroup", RowShape::kWORKGROUP);
    out.push_back(cpu(problem, plan, query));
    offer("softmax/generic", RowShape::kLANE);
    for (Candidate& candidate : out) candidate.strided = true;
    return out;
}

} // namespace tensorvk::tactics
