// topk/generic: the k best elements along an axis, made for small k.
#include <optional>

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
    Value x;
    std::optional<Value> values, indices;

    explicit Problem(const Query& query) : operation(query.operation), x(query.input(0)) {
        const auto output = [&](std::size_t i) {
            const bool there = i < operation.outputs.size() && operation.outputs[i] >= 0;
            return there ? std::optional(query.output(i)) : std::nullopt;
        };
        values = output(0);
        indices = output(1);
    }

    [[nodiscard]] const TopK& topk() const { return std::get<TopK>(operation.kind); }
    [[nodiscard]] const Value& any_output() const { return values ? *values : *indices; }
    //! The axis is there in the output, unless k = 1 dropped it.
    [[nodiscard]] bool keeps_axis() const { return any_output().dims.size() == x.dims.size(); }
    [[nodiscard]] RowPlan plan(shape::ExprPool& exprs) const { return plan_rows(exprs, x, any_output(), 1u << topk().axis); }
};

void lower(const Problem& problem, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const TopK& topk = problem.topk();
    const Value& values = problem.values.value_or(problem.x);
    StepBuilder step(lowering, problem.operation.name, std::string("topk/select:") + float_variant(problem.x, values));
    add_rows(step, exprs, problem.plan(exprs), RowShape::kLANE);
    const shape::Exprs strides = memory_strides(exprs, problem.any_output());
    step.param(problem.keeps_axis() ? strides[static_cast<std::size_t>(topk.axis)] : exprs.constant(0)).param(topk.k);
    const bool wide = problem.indices && problem.indices->dtype == DataType::kINT64;
    step.geometry(3, topk.op == TopKOperation::kMIN ? 1 : 0).geometry(4, half_bits(problem.x, values));
    step.geometry(5, (problem.values ? 1 : 0) | (problem.indices ? 2 : 0) | (wide ? 4 : 0) | (topk.select_last ? 8 : 0));
    // An output that nobody wants is not written: the other one stands in for its binding.
    const std::int32_t stand_in = problem.any_output().buffer;
    step.reads(problem.x.buffer).writes(problem.values ? problem.values->buffer : stand_in);
    step.writes(problem.indices ? problem.indices->buffer : stand_in);
    lowering.add(step.take());
}

std::string refuse(const Problem& problem, const Query& query) {
    if (!problem.values && !problem.indices) {
        return "neither values nor indices are wanted";
    }
    if (problem.indices && problem.indices->dtype != DataType::kINT32 && problem.indices->dtype != DataType::kINT64) {
        return text("indices are stored as int32 or int64, not as ", dtype_name(problem.indices->dtype));
    }
    if (problem.values && problem.indices && problem.values->layout != problem.indices->layout && !same_in_both_layouts(query.exprs, *problem.values)) {
        return "values and indices lie differently in memory";
    }
    shape::ExprPool exprs = query.exprs; // a scratch copy: questions about expressions make new ones
    const std::string why = problem.plan(exprs).refusal();
    return why.empty() ? refuse_float_pair(problem.x, problem.values.value_or(problem.x), query.caps) : why;
}

} // namespace

std::vector<Candidate> topk_candidates(const Query& query) {
    const Problem problem(query);
    Candidate out{.name = "topk/generic", .refusal = refuse(problem, query), .portable = true, .lower = {}};
    if (out.applicable()) {
        out.lower = [problem](Lowering& lowering) { lower(problem, lowering); };
    }
    return {out};
}

} // namespace tensorvk::tactics
