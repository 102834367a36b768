// moments/generic: an invocation for each part of a row, of which every kernel of products with RowMoments makes the same.
#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/spatial.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int32_t kLocalSize = 64;

void lower(const Operation& operation, const Value& x, const Value& y, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, operation.name, text("normalization/moments:", x.dtype == DataType::kHALF ? "f16" : "f32"));
    const shape::Expr parts = exprs.floor_div(element_count(exprs, x), exprs.constant(kMomentColumns));
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(parts, exprs.constant(kLocalSize))).param(parts);
    step.geometry(2, half_bits(x, y)).reads(x.buffer).writes(y.buffer);
    lowering.add(step.take());
}

std::string refuse(const Value& x, const Value& y, const Query& query) {
    if (std::string why = refuse_float_pair(x, y, query.caps); !why.empty()) return why;
    if (y.dtype != DataType::kFLOAT) return text("'", y.name, "' is not float32");
    if (!lies_in_rows(query.exprs, x) || !lies_in_rows(query.exprs, y)) return "the rows do not lie one behind the other";
    if (!is_multiple_of(query.exprs, x.dims.back(), kMomentColumns)) return text("the length of a row, ", query.exprs.str(x.dims.back()), ", is not known to be a multiple of ", kMomentColumns);
    return {};
}

} // namespace

std::vector<Candidate> row_moments_candidates(const Query& query) {
    const Value &x = query.input(0), &y = query.output();
    Candidate candidate{.name = "moments/generic", .refusal = refuse(x, y, query), .portable = true, .lower = {}};
    if (candidate.applicable()) candidate.lower = [operation = query.operation, x, y](Lowering& lowering) { lower(operation, x, y, lowering); };
    return {candidate};
}

} // namespace tensorvk::tactics
