// matrix/unpacked_vector_<lines>x<slices>: products of few rows or few columns (shaders/matrix/unpacked_vector.comp), for GPUs.
#include <algorithm>
#include <bit>

#include "support/error.hpp"
#include "tactics/matrix_unpacked.hpp"

namespace tensorvk::tactics {
namespace {

struct Geometry {
    std::int32_t vectors, slices; // fours of lines and parts of the depth of a workgroup
    [[nodiscard]] std::int32_t threads() const { return vectors * slices; }
    [[nodiscard]] std::int32_t lines() const { return 4 * vectors; }
};

constexpr Geometry kGeometries[] = {{2, 32}, {4, 16}, {8, 16}, {16, 8}, {8, 32}};
constexpr std::int64_t kMostEach = 4;  // rows, or swapped columns, of a workgroup
constexpr std::int64_t kMostThin = 16; // of the product: more read the other factor too often

struct Thin {
    std::int32_t each;
    bool swapped;
};
//! By the smaller of the two numbers.
Thin thin_of(std::optional<std::int64_t> rows, std::optional<std::int64_t> columns) {
    const std::int64_t m = rows.value_or(kMostThin + 1), n = columns.value_or(kMostThin + 1);
    const std::int64_t each = std::clamp<std::int64_t>(std::min(m, n), 1, kMostEach);
    return {static_cast<std::int32_t>(std::bit_ceil(static_cast<std::uint64_t>(each))), n < m};
}

std::string refuse(const Unpacked& product, const vulkan::DeviceCaps& caps) {
    if (!product.refusal.empty()) return product.refusal;
    if (caps.is_cpu) return "shared memory and barriers make it no faster than the generic kernel on CPU drivers";
    const auto few = [](std::optional<std::int64_t> extent) { return extent && *extent <= kMostThin; };
    if (!few(product.rows) && !few(product.columns)) return text("the product has neither at most ", kMostThin, " rows nor at most ", kMostThin, " columns");
    return {};
}

std::int64_t shared_bytes(const Geometry& geometry, const Thin& thin) { return std::int64_t{16} * thin.each * geometry.threads(); }

void lower(const MatrixProblem& p, const Geometry& geometry, const Thin& thin, Lowering& lowering) {
    constexpr std::int64_t kUnit = 4;
    const std::int32_t rows = thin.swapped ? geometry.lines() : thin.each, columns = thin.swapped ? thin.each : geometry.lines();
    StepBuilder step = unpacked_step(p, "matrix/unpacked_vector:" + p.variant, rows, columns, kUnit, lowering);
    step.local_size(geometry.threads()).geometry(4, thin.each).geometry(5, geometry.vectors).geometry(6, geometry.slices).geometry(7, thin.swapped ? 1 : 0);
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> matrix_unpacked_vector(const MatrixProblem& problem, const Query& query) {
    if (problem.blocks()) return {}; // matrix_blocks_vector
    const Unpacked product(problem, query);
    const std::string common = refuse(product, query.caps);
    if (!common.empty()) return {{.name = "matrix/unpacked_vector", .refusal = common, .portable = false, .lower = {}}};
    const Thin thin = thin_of(product.rows, product.columns);
    std::vector<Candidate> out;
    for (const Geometry& geometry : kGeometries) {
        out.push_back({.name = text("matrix/unpacked_vector_", geometry.lines(), "x", geometry.slices),
                       .refusal = refuse_unpacked_tile({1, 1, shared_bytes(geometry, thin), geometry.threads()}, product, query.caps),
                       .portable = false,
                       .strided = true,
                       .lower = [product, geometry, thin](Lowering& lowering) { lower(product.problem(lowering.exprs()), geometry, thin, lowering); }});
    }
    return out;
}

} // namespace tensorvk::tactics
