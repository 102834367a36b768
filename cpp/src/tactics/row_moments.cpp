// moments/generic: an invocation for each part of a row of halves, the only rows that somebody asks for; a step behind products whose kernels do not do it on the way.
#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int32_t kLocalSize = 64;

void lower(const Operation& operation, const Value& x, const Value& y, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, operation.name, "normalization/moments:f16");
    const shape::Expr parts = exprs.floor_div(element_count(exprs, x), exprs.constant(kMomentColumns));
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(parts, exprs.constant(kLocalSize))).param(parts);
    step.reads(x.buffer).writes(y.buffer);
    lowering.add(step.take());
}

std::string refuse(const Value& x, const Query& query) {
    if (x.dtype != DataType::kHALF) return text("'", x.name, "' is not float16");
    if (!lies_in_rows(query.exprs, x)) return "the rows do not lie one behind the other";
    if (!is_multiple_of(query.exprs, x.dims.back(), kMomentColumns)) return text("the length of a row, ", query.exprs.str(x.dims.back()), ", is not known to be a multiple of ", kMomentColumns);
    return {};
}

} // namespace

std::vector<Candidate> row_moments_candidates(const Query& query) {
    const Value &x = query.input(0), &y = query.output();
    Candidate candidate{.name = "moments/generic", .refusal = refuse(x, query), .portable = false, .lower = {}};
    if (candidate.applicable()) candidate.lower = [operation = query.operation, x, y](Lowering& lowering) { lower(operation, x, y, lowering); };
    return {candidate};
}

} // namespace tensorvk::tactics
