// matrix/unpacked_shared_<rows>x<columns>_<of an invocation>, matrix/blocks_shared_... of a second factor of few bits: through shared memory (shaders/matrix/unpacked_shared.comp).
#include "support/error.hpp"
#include "tactics/matrix_unpacked.hpp"
#include "tactics/product.hpp"
#include "tactics/rounds.hpp"

namespace tensorvk::tactics {
namespace {

struct Geometry {
    std::int32_t rows, columns, depth;        // of a workgroup's tile: rows * depth and columns * depth are multiples of 4 * threads()
    std::int32_t thread_rows, thread_columns; // of an invocation's
    bool on_cpu = false;                      // for CPU drivers too: slow, but several times as fast as the generic kernel
    [[nodiscard]] std::int32_t threads() const { return rows / thread_rows * (columns / thread_columns); }
    [[nodiscard]] std::int64_t shared_bytes() const { return std::int64_t{16} * depth * (rows / 4 + 1 + columns / 4 + 1); }
    [[nodiscard]] UnpackedNeeds needs() const { return {rows, columns, shared_bytes(), threads()}; }
};

constexpr Geometry kTiles[] = {{128, 128, 16, 8, 8}, {128, 64, 16, 8, 4, true}, {64, 64, 16, 8, 4, true}, {64, 64, 16, 4, 4}, {32, 32, 32, 4, 4}};

std::string refuse(const Geometry& tile, const Unpacked& product, const vulkan::DeviceCaps& caps) {
    if (caps.is_cpu && !tile.on_cpu) return "CPU drivers take long to compile tiles, two others are for them";
    if (std::string why = refuse_rounds(caps, product.most_depth / tile.depth + 1); !why.empty()) return why;
    return refuse_unpacked_tile(tile.needs(), product, caps);
}

void lower(const MatrixProblem& p, const Geometry& tile, Lowering& lowering) {
    constexpr std::int64_t kUnit = 4;
    StepBuilder step = unpacked_step(p, text("matrix/unpacked_shared:", p.blocks() ? "blocks_" : "", p.variant), tile.rows, tile.columns, kUnit, lowering);
    step.local_size(tile.threads()).geometry(4, tile.rows).geometry(5, tile.columns).geometry(6, tile.depth);
    step.geometry(7, tile.thread_rows).geometry(8, tile.thread_columns).geometry(9, tile.threads());
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> matrix_unpacked_shared(const MatrixProblem& problem, const Query& query) {
    const Unpacked product(problem, query);
    std::string common = product.refusal;
    if (common.empty() && query.caps.is_cpu && problem.blocks()) common = "CPU drivers are faster with weights that are widened once";
    if (common.empty() && query.caps.is_cpu && problem.variant == "f32" && Product::refuse(problem, query).empty()) {
        common = "CPU drivers are faster with one second factor that is packed in every run and read as texels";
    }
    const std::string name = problem.blocks() ? "matrix/blocks_shared" : "matrix/unpacked_shared";
    if (!common.empty()) return {{.name = name, .refusal = common, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const Geometry& tile : kTiles) {
        out.push_back({.name = text(name, "_", tile.rows, "x", tile.columns, "_", tile.thread_rows, "x", tile.thread_columns),
                       .refusal = refuse(tile, product, query.caps),
                       .portable = false,
                       .strided = true,
                       .lower = [product, tile](Lowering& lowering) { lower(product.problem(lowering.exprs()), tile, lowering); }});
    }
    return out;
}

} // namespace tensorvk::tactics
