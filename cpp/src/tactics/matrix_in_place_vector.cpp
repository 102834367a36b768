// matrix/in_place_vector_<lines>x<slices>: products of few rows or few columns (shaders/matrix/vector.comp), for GPUs.
#include <algorithm>
#include <bit>

#include "support/error.hpp"
#include "tactics/matrix_in_place.hpp"

namespace tensorvk::tactics {
namespace {

struct Geometry {
    std::int32_t vectors, slices; // fours of lines and parts of the depth of a workgroup
    [[nodiscard]] std::int32_t threads() const { return vectors * slices; }
    [[nodiscard]] std::int32_t lines() const { return 4 * vectors; }
};

constexpr Geometry kGeometries[] = {{2, 32}, {4, 16}, {8, 16}, {16, 8}, {8, 32}};
constexpr std::int64_t kMostEach = 4; // rows or columns of a workgroup

//! Its one to four rows or, swapped, columns: the smaller of the two numbers.
struct Thin {
    std::int32_t each;
    bool swapped;
};
Thin thin_of(const MatrixProblem& p, const shape::ExprPool& exprs) {
    const std::int64_t m = exprs.value(p.m).value_or(kMostEach + 1), n = exprs.value(p.n).value_or(kMostEach + 1);
    const std::int64_t least = std::clamp<std::int64_t>(std::min(m, n), 1, kMostEach);
    return {static_cast<std::int32_t>(std::bit_ceil(static_cast<std::uint64_t>(least))), n < m};
}

std::string refuse(const MatrixProblem& p, const Query& query) {
    if (std::string why = refuse_in_place(p, query); !why.empty()) return why;
    const auto few = [&](shape::Expr extent) { return query.exprs.value(extent).value_or(kMostEach + 1) <= kMostEach; };
    if (!few(p.m) && !few(p.n)) return text("the product has neither at most ", kMostEach, " rows nor at most ", kMostEach, " columns");
    return {};
}

std::int64_t shared_bytes(const Geometry& geometry, const Thin& thin) { return std::int64_t{16} * thin.each * geometry.threads(); }

void lower(const MatrixProblem& p, const Geometry& geometry, Lowering& lowering) {
    constexpr std::int64_t kUnit = 4;
    const Thin thin = thin_of(p, lowering.exprs());
    const std::int32_t rows = thin.swapped ? geometry.lines() : thin.each, columns = thin.swapped ? thin.each : geometry.lines();
    StepBuilder step = in_place_step(p, "matrix/vector:" + p.variant, rows, columns, kUnit, lowering);
    step.local_size(geometry.threads()).geometry(4, thin.each).geometry(5, geometry.vectors).geometry(6, geometry.slices).geometry(7, thin.swapped ? 1 : 0);
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> matrix_in_place_vector(const MatrixProblem& problem, const Query& query) {
    const std::string common = refuse(problem, query);
    if (!common.empty()) return {{.name = "matrix/in_place_vector", .refusal = common, .portable = false, .lower = {}}};
    const Thin thin = thin_of(problem, query.exprs);
    std::vector<Candidate> out;
    for (const Geometry& geometry : kGeometries) {
        out.push_back({.name = text("matrix/in_place_vector_", geometry.lines(), "x", geometry.slices),
                       .refusal = refuse_in_place_tile({1, 1, shared_bytes(geometry, thin), geometry.threads()}, problem, query),
                       .portable = false,
                       .lower = [problem, geometry](Lowering& lowering) { lower(problem, geometry, lowering); }});
    }
    return out;
}

} // namespace tensorvk::tactics
