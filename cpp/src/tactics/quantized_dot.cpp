// .../dot_<rows>x<columns>: four 8-bit products an instruction, through shared memory (shaders/quantized/dot.comp), for GPUs.
#include "support/error.hpp"
#include "tactics/quantized.hpp"

namespace tensorvk::tactics {
namespace {

struct DotGeometry {
    std::int32_t rows, columns;             // of a workgroup's tile
    std::int32_t thread_rows, thread_columns; // of an invocation's
    [[nodiscard]] std::int32_t threads() const { return rows / thread_rows * (columns / thread_columns); }
};
constexpr DotGeometry kTiles[] = {{128, 128, 8, 8}, {128, 64, 8, 8}, {64, 64, 8, 4}, {64, 64, 4, 4},
                                  {128, 32, 8, 4},  {64, 32, 4, 4},  {32, 32, 4, 4}, {64, 16, 4, 4}};
constexpr std::int32_t kDepth = 16; // words of a step

std::int64_t shared_bytes(const DotGeometry& tile) { return 16 * kDepth * (tile.rows / 4 + 1 + tile.columns / 4); }

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::string refuse_all(const Product& product, const Query& query) {
    if (query.caps.is_cpu) return "shared memory and barriers cost 10x on CPU drivers";
    if (!query.caps.integer_dot_product) return "the device has no integer dot products (shaderIntegerDotProduct)";
    if (!product.shape().input_vectors)
        return text("the ", product.shape().channels, " input channels of a group do not lie in fours");
    return refuse_signed_tile(product, query);
}

void lower(const Product& product, const DotGeometry& tile, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const Operation& operation = product.operation();
    Packing packing = product.packing();
    packing.depth_multiple = 4 * kDepth;
    const std::int32_t weights = pack_words(lowering, operation.name, lowering.value(operation.inputs[1]).buffer, packing);
    const std::int32_t parameters = product.pack_parameters(lowering);
    StepBuilder step(lowering, operation.name, "quantized/dot:int8");
    step.local_size(tile.threads());
    add_tile_grid(step, exprs, exprs.ceil_div(product.rows(exprs), exprs.constant(tile.rows)),
                  ceil_div(packing.padded_columns(), tile.columns), packing.parts);
    product.add_params(step, lowering, packing);
    step.geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(4, tile.rows).geometry(5, tile.columns).geometry(6, kDepth);
    step.geometry(7, tile.thread_rows).geometry(8, tile.thread_columns).geometry(9, tile.threads());
    step.geometry(10, signed_zero(product)).geometry(11, product.shape().channels % 16 == 0 ? 1 : 0);
    step.reads(product.x().buffer).reads(weights).reads(parameters).writes(product.y().buffer);
    add_quantized_epilogue(step, lowering, operation, product.roles(), lowering.caps().is_cpu);
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> quantized_dot(const std::string& family, const std::string& refusal, const Product& product,
                                     const Query& query) {
    const std::string common = refusal.empty() ? refuse_all(product, query) : refusal;
    if (!common.empty()) return {{.name = family + "/dot", .refusal = common, .portable = false, .lower = {}}};
    std::vector<Candidate> out;
    for (const DotGeometry& tile : kTiles) {
        Candidate candidate;
        candidate.name = text(family, "/dot_", tile.rows, "x", tile.columns, "_", tile.thread_rows, "x", tile.thread_columns);
        candidate.refusal = refuse_tile({tile.rows, tile.columns, 16, shared_bytes(tile), tile.threads()}, product.shape(), query.caps);
        candidate.lower = [product, tile](Lowering& lowering) { lower(product, tile, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
