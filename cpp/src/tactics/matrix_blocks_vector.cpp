// matrix/blocks_vector_<rows>x<columns>x<slices>_d<units asked for together>: products of few rows by a second factor of few bits
// (shaders/matrix/blocks_vector.comp), for GPUs.
#include <algorithm>
#include <bit>

#include "support/error.hpp"
#include "tactics/matrix_blocks.hpp"
#include "tactics/matrix_unpacked.hpp"

namespace tensorvk::tactics {
namespace {

struct Geometry {
    std::int32_t columns, slices, deep; // of a workgroup: columns, parts of the depth, and units of it that an invocation asks for together
    [[nodiscard]] std::int32_t threads() const { return columns * slices; }
};

constexpr Geometry kGeometries[] = {{32, 8, 2}, {32, 8, 4}, {16, 16, 2}, {16, 16, 4}, {8, 32, 2}, {8, 32, 4}, {64, 4, 4}, {32, 4, 4}, {16, 4, 2}};
constexpr std::int64_t kMostEach = 8;  // rows of a workgroup
constexpr std::int64_t kMostRows = 16; // more read the weights too often

std::string refuse(const Unpacked& product, const vulkan::DeviceCaps& caps) {
    if (!product.refusal.empty()) return product.refusal;
    if (caps.is_cpu) return "CPU drivers are faster with weights that are widened once";
    if (!product.rows) return "the number of rows is dynamic, this kernel is for few of them";
    if (*product.rows > kMostRows) return text("the product has ", *product.rows, " rows, this kernel is for at most ", kMostRows);
    return {};
}

std::string refuse(const Geometry& geometry, std::int32_t each, const Unpacked& product, const vulkan::DeviceCaps& caps) {
    const std::int64_t units = product.given.blocks()->units();
    if (geometry.slices > 4 && units < geometry.slices) return text("of ", units, " units of the depth ", geometry.slices, " slices would not have one each");
    return refuse_unpacked_tile({1, 1, std::int64_t{4} * each * geometry.threads(), geometry.threads()}, product, caps);
}

void lower(const MatrixProblem& p, const Geometry& geometry, std::int32_t each, Lowering& lowering) {
    constexpr std::int64_t kUnit = 4;
    StepBuilder step = unpacked_step(p, "matrix/blocks_vector:" + p.variant, each, geometry.columns, kUnit, lowering);
    step.local_size(geometry.threads()).geometry(4, each).geometry(5, geometry.columns).geometry(6, geometry.slices).geometry(7, geometry.deep);
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> matrix_blocks_vector(const MatrixProblem& problem, const Query& query) {
    if (!problem.blocks()) return {};
    const Unpacked product(problem, query);
    const std::string common = refuse(product, query.caps);
    if (!common.empty()) return {{.name = "matrix/blocks_vector", .refusal = common, .portable = false, .lower = {}}};
    const auto rows = static_cast<std::uint64_t>(std::clamp<std::int64_t>(*product.rows, 1, kMostEach));
    const auto each = static_cast<std::int32_t>(std::bit_ceil(rows));
    std::vector<Candidate> out;
    for (const Geometry& geometry : kGeometries) {
        out.push_back({.name = text("matrix/blocks_vector_", each, "x", geometry.columns, "x", geometry.slices, "_d", geometry.deep),
                       .refusal = refuse(geometry, each, product, query.caps),
                       .portable = false,
                       .lower = [product, geometry, each](Lowering& lowering) { lower(product.problem(lowering.exprs()), geometry, each, lowering); }});
    }
    return out;
}

} // namespace tensorvk::tactics
