// normalization/vec4 and normalization/generic: an invocation a row; normalization/workgroup: a workgroup a row, which reads it once.
#include <bit>

#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/epilogue.hpp"
#include "tactics/group_normalization.hpp"
#include "tactics/layout.hpp"
#include "tactics/rounds.hpp"
#include "tactics/spatial.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int32_t kLocalSize = 64;
constexpr std::int64_t kMostKept = 16; // values of a lane
constexpr std::int64_t kPasses = 3, kBodies = 4; // over a row, and in a round of their loops

struct Problem {
    Operation operation;
    Value x, y;
    AxisRoles roles;

    [[nodiscard]] const Normalization& normalization() const { return std::get<Normalization>(operation.kind); }
    [[nodiscard]] shape::Expr length() const { return x.dims.back(); }
    [[nodiscard]] shape::Expr rows(shape::ExprPool& exprs) const { return exprs.product({x.dims.begin(), x.dims.end() - 1}); }
};

//! Who takes a row, and in which units.
struct Way {
    bool shared, fours;
    bool subgroups = false; // add up
    [[nodiscard]] std::string variant() const { return text(!shared ? "" : subgroups ? "subgroup_" : "shared_", fours ? "vec4_" : ""); }
};

//! A workgroup, which has at most the 128 lanes that every device has, and what each of them reads.
struct Lanes {
    Lanes(std::int64_t length, const Way& way) {
        constexpr std::int32_t kFew = 64, kMany = 128;
        const std::int64_t vectors = length / (way.fours ? 4 : 1);
        count = vectors <= (way.fours ? 1 : 4) * kFew ? kFew : kMany;
        kept = (vectors + count - 1) / count;
    }
    std::int32_t count;
    std::int64_t kept;
};

void lower(const Problem& p, const Way& way, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, p.operation.name, "normalization/rows:" + way.variant() + product_variant({p.operation, lowering.values(), lowering.caps(), exprs}));
    const shape::Expr rows = p.rows(exprs);
    const Lanes lanes(exprs.value(p.length()).value_or(0), way);
    step.local_size(way.shared ? lanes.count : kLocalSize).flat_groups(way.shared ? rows : exprs.ceil_div(rows, exprs.constant(kLocalSize)));
    step.param(rows).param(p.length());
    step.geometry(2, p.normalization().centred ? 1 : 0).geometry(3, std::bit_cast<std::int32_t>(p.normalization().epsilon));
    if (way.shared) step.geometry(4, lanes.count).geometry(5, static_cast<std::int32_t>(lanes.kept));
    step.reads(p.x.buffer).reads(p.x.buffer).reads(p.x.buffer).writes(p.y.buffer);
    add_epilogue(step, lowering, p.operation, p.roles, half_bits(p.x, p.y), p.x.buffer);
    lowering.add(step.take());
}

std::string refuse(const Problem& p, const Way& way, const Query& query) {
    if (std::string why = refuse_float_pair(p.x, p.y, query.caps); !why.empty()) return why;
    if (std::string why = refuse_epilogue(query, p.roles, false); !why.empty()) return why;
    if (!lies_in_rows(query.exprs, p.x) || !lies_in_rows(query.exprs, p.y)) return "the rows do not lie one behind the other";
    if (way.fours && !is_multiple_of(query.exprs, p.length(), 4)) return text("the length of a row, ", query.exprs.str(p.length()), ", is not known to be a multiple of 4");
    const auto length = query.exprs.value(p.length());
    if (!way.shared) return refuse_rounds(query.caps, kPasses * rounds_of(most_of(query.exprs, p.length()), kBodies));
    if (query.caps.is_cpu) return "shared memory is ten times slower than registers on a CPU device";
    if (!length) return "the length of a row is dynamic";
    const std::int64_t kept = Lanes(*length, way).kept;
    return kept > kMostKept ? text("a lane would keep ", kept, " values, at most ", kMostKept, " are allowed") : "";
}

} // namespace

std::vector<Candidate> normalization_candidates(const Query& query) {
    if (query.kind<Normalization>().groups > 0) return group_normalization_candidates(query);
    const Problem problem{query.operation, query.input(0), query.output(), matrix_roles(query.output().dims.size())};
    std::vector<Candidate> out;
    const bool subgroups = query.caps.subgroup_arithmetic;
    for (const auto& [name, way] : {std::pair{"normalization/workgroup_vec4", Way{true, true, subgroups}}, std::pair{"normalization/workgroup", Way{true, false, subgroups}},
                                    std::pair{"normalization/vec4", Way{false, true}}, std::pair{"normalization/generic", Way{false, false}}}) {
        Candidate candidate{.name = name, .refusal = refuse(problem, way, query), .portable = !way.shared, .lower = {}};
        if (candidate.applicable()) candidate.lower = [problem, way](Lowering& lowering) { lower(problem, way, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
