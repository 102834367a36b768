// matrix/unpacked_coopmat_<rows>x<columns>x<depth>, matrix/blocks_coopmat_... of a second factor of few bits: products of halves on cooperative matrix units (shaders/matrix/unpacked_coopmat.comp).
#include <algorithm>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/matrix_unpacked.hpp"
#include "tactics/matrix_units.hpp"

namespace tensorvk::tactics {
namespace {

struct Geometry {
    std::int32_t rows, columns, depth;    // of a workgroup's tile: rows * depth and columns * depth are multiples of 8 * threads()
    std::int32_t warp_rows, warp_columns; // of a subgroup's
    [[nodiscard]] std::int32_t threads() const { return 32 * (rows / warp_rows) * (columns / warp_columns); }
    //! The most that there is, since each factor's tile lies as the factor does.
    [[nodiscard]] std::int64_t shared_bytes() const {
        const auto tile = [&](std::int64_t lines) { return std::max(lines * (depth / 8 + 1), depth * (lines / 8 + 1)); };
        return 16 * std::max(tile(rows) + tile(columns), std::int64_t{threads() / 32 * 16 * (warp_columns / 4 + 1)}); // a step, then results
    }
    [[nodiscard]] UnpackedNeeds needs() const { return {rows, columns, shared_bytes(), threads()}; }
};

constexpr Geometry kTiles[] = {{32, 32, 64, 16, 16}, {32, 64, 64, 16, 32}, {64, 64, 32, 32, 32}, {64, 64, 64, 32, 32}, {128, 64, 32, 64, 32}, {128, 128, 32, 64, 64}};

std::string refuse(const Unpacked& product, const vulkan::DeviceCaps& caps) {
    if (!product.refusal.empty()) return product.refusal;
    if (std::string why = refuse_half_matrices(caps); !why.empty()) return why;
    for (const Value* factor : {&product.given.a, &product.given.b}) {
        const bool becomes_half = factor == &product.given.b && product.given.blocks();
        if (factor->dtype != DataType::kHALF && !becomes_half) return text("'", factor->name, "' is ", dtype_name(factor->dtype), ", matrix units take float16");
    }
    return {};
}

void lower(const MatrixProblem& p, const Geometry& tile, Lowering& lowering) {
    constexpr std::int64_t kUnit = 8;
    StepBuilder step = unpacked_step(p, p.blocks() ? "matrix/unpacked_coopmat:blocks_f16" : "matrix/unpacked_coopmat:f16", tile.rows, tile.columns, kUnit, lowering);
    step.local_size(tile.threads()).geometry(4, tile.rows).geometry(5, tile.columns).geometry(6, tile.depth);
    step.geometry(7, tile.warp_rows).geometry(8, tile.warp_columns).geometry(9, tile.threads());
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> matrix_unpacked_coopmat(const MatrixProblem& problem, const Query& query) {
    const Unpacked product(problem, query);
    const std::string common = refuse(product, query.caps);
    const std::string name = problem.blocks() ? "matrix/blocks_coopmat" : "matrix/unpacked_coopmat";
    if (!common.empty()) return {{.name = name, .refusal = common, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const Geometry& tile : kTiles) {
        out.push_back({.name = text(name, "_", tile.rows, "x", tile.columns, "x", tile.depth),
                       .refusal = refuse_unpacked_tile(tile.needs(), product, query.caps),
                       .portable = false,
                       .strided = true,
                       .lower = [product, tile](Lowering& lowering) { lower(product.problem(lowering.exprs()), tile, lowering); }});
    }
    return out;
}

} // namespace tensorvk::tactics
