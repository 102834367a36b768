#include "tactics/matrix_unpacked.hpp"

#include <algorithm>

#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/layout.hpp"
#include "tactics/matrix_blocks.hpp"
#include "tactics/product.hpp"
#include "tactics/rounds.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kByDepth = 1, kWide = 2; // of A_LIES and B_LIES in shaders/matrix/tiles.glsl

//! `line`, `depth`: strides of a factor along the result's rows or columns and along K. `lines`: how many there are.
std::int32_t how_it_lies(const MatrixProblem& p, const shape::ExprPool& exprs, shape::Expr line, shape::Expr depth, shape::Expr lines, const shape::Exprs& batch,
                         std::int64_t unit) {
    const bool by_depth = exprs.is(depth, 1) && !exprs.is(p.k, 1);
    const auto whole = [&](shape::Expr e) { return is_multiple_of(exprs, e, unit); };
    const bool wide = exprs.is(by_depth ? depth : line, 1) && whole(by_depth ? line : depth) && whole(by_depth ? p.k : lines) && std::ranges::all_of(batch, whole);
    return (by_depth ? kByDepth : 0) | (wide ? kWide : 0);
}

//! The epilogue's operands, too, are those of one matrix.
bool is_one_matrix(const MatrixProblem& p, const Query& query) {
    const bool one = std::all_of(p.b.dims.begin(), p.b.dims.end() - 2, [&](shape::Expr dim) { return query.exprs.is(dim, 1); });
    const bool runs_on = !p.product().transpose_a && lies_in_rows(query.exprs, p.a) && lies_in_rows(query.exprs, p.b) && lies_in_rows(query.exprs, p.c);
    const bool dense = p.a.strides.empty() && p.b.strides.empty();
    return p.c.dims.size() > 2 && one && runs_on && dense && refuse_epilogue(query, p.roles, false).empty();
}

std::optional<std::int64_t> volume(const shape::Exprs& dims, const shape::ExprPool& exprs) {
    std::int64_t out = 1;
    for (const shape::Expr dim : dims) {
        const std::optional<std::int64_t> known = exprs.value(dim);
        if (!known) return std::nullopt;
        out *= *known;
    }
    return out;
}

std::string refuse(const MatrixProblem& p, const Query& query) {
    if (std::string why = refuse_normalized(p.product()); !why.empty()) return why;
    if (std::string why = refuse_matrix_shape(p, query.exprs); !why.empty()) return why;
    if (p.b.known && !p.blocks() && Product::refuse(p, query).empty()) return "the second factor is one constant matrix, kernels that pack it once take the product";
    return refuse_epilogue(query, p.roles, p.c.dims.size() <= 5);
}

} // namespace

Unpacked::Unpacked(const MatrixProblem& problem, const Query& query) : given(problem), one_matrix(is_one_matrix(problem, query)), refusal(refuse(problem, query)) {
    const shape::Exprs& dims = problem.c.dims;
    rows = volume({one_matrix ? dims.begin() : dims.end() - 2, dims.end() - 1}, query.exprs);
    columns = query.exprs.value(problem.n);
    depth = query.exprs.value(problem.k);
    most_depth = most_of(query.exprs, problem.k);
}

MatrixProblem Unpacked::problem(shape::ExprPool& exprs) const {
    MatrixProblem p = given;
    if (!one_matrix) return p;
    p.m = exprs.product(shape::Exprs(p.c.dims.begin(), p.c.dims.end() - 1));
    for (Value* value : {&p.a, &p.b, &p.c}) value->layout = Layout::kLINEAR;
    p.a.dims = {p.m, p.k};
    p.b.dims.erase(p.b.dims.begin(), p.b.dims.end() - 2);
    p.c.dims = {p.m, p.n};
    return p;
}

std::string refuse_unpacked_tile(const UnpackedNeeds& tile, const Unpacked& product, const vulkan::DeviceCaps& caps) {
    constexpr std::int64_t kSmallest = 32; // tiles of that are for what is small
    if (caps.limits.max_shared_memory < tile.shared_bytes)
        return text("the tile takes ", tile.shared_bytes, " bytes of shared memory, the device has ", caps.limits.max_shared_memory);
    if (caps.limits.max_workgroup_invocations < tile.threads)
        return text("the tile takes ", tile.threads, " invocations, the device has ", caps.limits.max_workgroup_invocations);
    const auto padded = [](std::optional<std::int64_t> extent, std::int64_t size) { return extent && size > kSmallest && *extent * 2 <= size; };
    if (padded(product.rows, tile.rows)) return text("the product has ", *product.rows, " rows, more than half of the ", tile.rows, " of the tile would be padding");
    if (padded(product.columns, tile.columns))
        return text("the product has ", *product.columns, " columns, more than half of the ", tile.columns, " of the tile would be padding");
    return {};
}

StepBuilder unpacked_step(const MatrixProblem& p, const std::string& kernel, std::int64_t rows, std::int64_t columns, std::int64_t unit, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, p.operation.name, kernel);
    const shape::Expr down = exprs.ceil_div(p.m, exprs.constant(rows)), across = exprs.ceil_div(p.n, exprs.constant(columns));
    const shape::Expr matrices = exprs.product(shape::Exprs(p.c.dims.begin(), p.c.dims.end() - 2));
    const shape::Expr count = exprs.mul(matrices, exprs.mul(down, across));
    step.flat_groups(count);
    add_matrix_product(step, p, lowering, count);
    const FactorStrides a = factor_strides(lowering, p.a, p.product().transpose_a, p.c.dims.size());
    const FactorStrides b = factor_strides(lowering, p.b, p.product().transpose_b, p.c.dims.size());
    step.geometry(2, how_it_lies(p, exprs, a.row, a.column, p.m, a.batch, unit));
    if (p.blocks()) {
        add_blocks(step, *p.blocks());
        step.geometry(3, kByDepth);
        return step;
    }
    step.geometry(3, how_it_lies(p, exprs, b.column, b.row, p.n, b.batch, unit));
    return step;
}

} // namespace tensorvk::tactics
