// gather/vec4, gather/words, gather/generic and gather/packed: one kernel, moving units of 16 or 4 bytes or single elements, the last as parts of words.
// gather/cpu takes the same step to the host.
#include <span>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/step_builder.hpp"
#include "tactics/word_types.hpp"

namespace tensorvk::tactics {

namespace {

struct Problem {
    Operation operation;
    Value data, indices, output;

    [[nodiscard]] std::size_t axis() const { return static_cast<std::size_t>(std::get<Gather>(operation.kind).axis); }
    [[nodiscard]] shape::Expr inner(shape::ExprPool& exprs) const { return exprs.product(std::span(data.dims).subspan(axis() + 1)); }
};

void lower(const Problem& problem, const char* kernel, std::int64_t unit_bytes, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const shape::Expr factor = exprs.constant(unit_bytes / static_cast<std::int64_t>(dtype_size(problem.data.dtype)));
    StepBuilder step(lowering, problem.operation.name, text(kernel, "b", 8 * unit_bytes));
    const shape::Expr count = exprs.floor_div(element_count(exprs, problem.output), factor);
    step.invocations(count);
    step.param(count).param(exprs.floor_div(problem.inner(exprs), factor)).param(element_count(exprs, problem.indices));
    step.param(problem.data.dims[problem.axis()]).geometry(0, problem.indices.dtype == DataType::kINT64 ? 1 : 0);
    step.reads(problem.data.buffer).reads(problem.indices.buffer).writes(problem.output.buffer);
    lowering.add(step.take());
}

std::string refuse(const Problem& problem, const shape::ExprPool& exprs) {
    if (problem.data.dtype != problem.output.dtype) {
        return "gathering cannot change the element type";
    }
    if (problem.indices.dtype != DataType::kINT32 && problem.indices.dtype != DataType::kINT64) {
        return text("the indices are ", dtype_name(problem.indices.dtype), ", int32 and int64 are allowed");
    }
    for (const Value* value : {&problem.data, &problem.indices, &problem.output}) {
        if (!lies_in_rows(exprs, *value)) {
            return text("'", value->name, "' is not in row-major order");
        }
    }
    return {};
}

} // namespace

std::vector<Candidate> gather_candidates(const Query& query) {
    const Problem problem{query.operation, query.input(0), query.input(1), query.output()};
    const std::string refusal = refuse(problem, query.exprs);
    shape::ExprPool exprs = query.exprs; // a scratch copy: questions about expressions make new ones
    const shape::Expr inner = problem.inner(exprs);
    const auto size = static_cast<std::int64_t>(dtype_size(problem.data.dtype));
    std::vector<Candidate> out;
    const auto offer = [&](const char* name, std::int64_t unit, const std::string& why, bool packed = false) {
        out.push_back({.name = name, .refusal = refusal.empty() ? why : refusal, .portable = unit >= 4 || packed, .lower = {}});
        if (out.back().applicable()) {
            const char* kernel = packed ? "gather/generic:packed_" : "gather/generic:";
            out.back().lower = [problem, unit, kernel](Lowering& lowering) { lower(problem, kernel, unit, lowering); };
        }
    };
    const auto runs_of = [&](std::int64_t bytes) {
        return is_multiple_of(exprs, inner, bytes / size) ? std::string() : text("elements do not move in runs of ", bytes, " bytes");
    };
    const std::string host = refusal.empty() ? refuse_cpu(query, text("cpu/gather:b", 8 * size)) : refusal;
    out.push_back({.name = "gather/cpu", .refusal = host, .host = true, .portable = false, .lower = {}});
    if (host.empty()) {
        out.back().lower = [problem, size](Lowering& lowering) { lower(problem, "cpu/gather:", size, lowering); };
    }
    offer("gather/vec4", 16, runs_of(16));
    if (size < 4) {
        offer("gather/words", 4, runs_of(4));
    }
    offer("gather/generic", size, refuse_storage(size, query.caps));
    if (size < 4) offer("gather/packed", size, refuse_packing(size, query.caps), true);
    return out;
}

} // namespace tensorvk::tactics
