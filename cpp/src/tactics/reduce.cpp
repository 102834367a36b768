// reduce/vec4, reduce/workgroup and reduce/generic: sum, product, maximum, minimum and mean along any axes; reduce/cpu takes the step of the
// last to the host.
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/families.hpp"
#include "tactics/rows.hpp"
#include "tactics/spatial.hpp"

namespace tensorvk::tactics {

namespace {

struct Problem {
    Operation operation;
    Value x, y;

    [[nodiscard]] const Reduce& reduce() const { return std::get<Reduce>(operation.kind); }
    [[nodiscard]] bool integer() const { return x.dtype == DataType::kINT32 && y.dtype == DataType::kINT32; }
};

void lower(const Problem& problem, RowShape rows, const std::string& kernel, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, problem.operation.name, kernel);
    add_rows(step, exprs, plan_rows(exprs, problem.x, problem.y, problem.reduce().axes), rows);
    step.geometry(3, static_cast<std::int32_t>(problem.reduce().op)).geometry(4, half_bits(problem.x, problem.y));
    step.reads(problem.x.buffer).writes(problem.y.buffer);
    lowering.add(step.take());
}

std::string shader(const Problem& problem, RowShape rows) {
    return "reduce/rows:" + variant_prefix(rows) + (problem.integer() ? "i32" : float_variant(problem.x, problem.y));
}

Candidate cpu(const Problem& problem, const RowPlan& plan, const Query& query) {
    const std::string kernel = problem.integer() ? "cpu/reduce:i32" : cpu_float_kernel(query, "cpu/reduce");
    std::string refusal = plan.refusal();
    if (refusal.empty()) refusal = problem.integer() ? refuse_cpu(query, kernel) : refuse_cpu_float(query, "cpu/reduce", true);
    Candidate out{.name = "reduce/cpu", .refusal = std::move(refusal), .host = true, .portable = false, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem, kernel](Lowering& lowering) { lower(problem, RowShape::kLANE, kernel, lowering); };
    }
    return out;
}

} // namespace

std::vector<Candidate> reduce_candidates(const Query& query) {
    const Problem problem{query.operation, query.input(0), query.output()};
    shape::ExprPool exprs = query.exprs; // a scratch copy: questions about expressions make new ones
    const RowPlan plan = plan_rows(exprs, problem.x, problem.y, problem.reduce().axes);
    std::vector<Candidate> out;
    const auto offer = [&](const char* name, RowShape rows) {
        std::string why = refuse_row_shape(plan, rows, {.passes = 1, .bodies = 8}, exprs, query.caps);
        if (why.empty() && !problem.integer()) {
            why = refuse_float_pair(problem.x, problem.y, query.caps);
        }
        if (why.empty() && problem.integer() && rows != RowShape::kLANE) {
            why = "integers are reduced by the generic kernel alone";
        }
        out.push_back({.name = name, .refusal = why, .portable = rows != RowShape::kWORKGROUP, .lower = {}});
        if (why.empty()) {
            out.back().lower = [problem, rows](Lowering& lowering) { lower(problem, rows, shader(problem, rows), lowering); };
        }
    };
    offer("reduce/vec4", RowShape::kFOUR);
    offer("reduce/workgroup", RowShape::kWORKGROUP);
    out.push_back(cpu(problem, plan, query));
    offer("reduce/generic", RowShape::kLANE);
    for (Candidate& candidate : out) candidate.strided = true;
    return out;
}

} // namespace tensorvk::tactics
