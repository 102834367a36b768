// normalization/vec4 and normalization/generic: an invocation a row; normalization/workgroup: a workgroup a row, which reads it once.
#include <bit>

#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/epilogue.hpp"
#include "tactics/layout.hpp"
#include "tactics/rounds.hpp"
#include "tactics/spatial.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int32_t kLocalSize = 64;
constexpr std::int32_t kLanes = 128; // of a workgroup, which every device has; at most the size of `partial` in the shader
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
    [[nodiscard]] std::string variant() const { return text(shared ? "shared_" : "", fours ? "vec4_" : ""); }
};

//! Of a row, by each lane of a workgroup.
std::int64_t kept(std::int64_t length, const Way& way) {
    const std::int64_t width = way.fours ? 4 : 1;
    return (length / width + kLanes - 1) / kLanes;
}

void lower(const Problem& p, const Way& way, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, p.operation.name, "normalization/rows:" + way.variant() + product_variant({p.operation, lowering.values(), lowering.caps(), exprs}));
    const shape::Expr rows = p.rows(exprs);
    step.local_size(way.shared ? kLanes : kLocalSize).flat_groups(way.shared ? rows : exprs.ceil_div(rows, exprs.constant(kLocalSize)));
    step.param(rows).param(p.length());
    step.geometry(2, p.normalization().centred ? 1 : 0).geometry(3, std::bit_cast<std::int32_t>(p.normalization().epsilon));
    if (way.shared) step.geometry(4, kLanes).geometry(5, static_cast<std::int32_t>(kept(*exprs.value(p.length()), way)));
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
    if (!way.shared) return refuse_rounds(query.caps, kPasses * rounds_of(length.value_or(0), kBodies));
    if (query.caps.is_cpu) return "shared memory is ten times slower than registers on a CPU device";
    if (!length) return "the length of a row is dynamic";
    return kept(*length, way) > kMostKept ? text("a lane would keep ", kept(*length, way), " values, at most ", kMostKept, " are allowed") : "";
}

} // namespace

std::vector<Candidate> normalization_candidates(const Query& query) {
    const Problem problem{query.operation, query.input(0), query.output(), matrix_roles(query.output().dims.size())};
    std::vector<Candidate> out;
    for (const auto& [name, way] : {std::pair{"normalization/workgroup_vec4", Way{true, true}}, std::pair{"normalization/workgroup", Way{true, false}},
                                    std::pair{"normalization/vec4", Way{false, true}}, std::pair{"normalization/generic", Way{false, false}}}) {
        Candidate candidate{.name = name, .refusal = refuse(problem, way, query), .portable = !way.shared, .lower = {}};
        if (candidate.applicable()) candidate.lower = [problem, way](Lowering& lowering) { lower(problem, way, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
