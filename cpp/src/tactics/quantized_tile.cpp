// .../tile_<rows>x<columns> of 8-bit integers: exact sums in float32 registers (shaders/quantized/tile.comp).
#include <algorithm>

#include "support/error.hpp"
#include "tactics/quantized.hpp"
#include "tactics/tile_geometry.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int64_t kExact = 1 << 24; // whole numbers up to here are float32 numbers

//! The largest |value - zero| of an 8-bit type.
std::int64_t reach(DataType type, std::int64_t zero) {
    const std::int64_t least = type == DataType::kINT8 ? -128 : 0;
    return std::max(zero - least, least + 255 - zero);
}

const ZeroPoints& zero_points(const Operation& operation) {
    const auto* convolution = std::get_if<Convolution>(&operation.kind);
    return convolution != nullptr ? convolution->zero : std::get<MatrixProduct>(operation.kind).zero;
}

//! How many products of the two a float32 sum adds exactly.
std::int64_t exact_terms(const Value& x, const Value& weights, const ZeroPoints& zero) {
    return kExact / std::max<std::int64_t>(reach(x.dtype, zero.x) * reach(weights.dtype, zero.weights), 1);
}

//! Less than a word is stored by one invocation, or not at all.
std::string refuse_store(const Product& product) {
    const bool words = product.y().dtype == DataType::kFLOAT || product.y().dtype == DataType::kINT32;
    if (words || product.shape().output_vectors) return {};
    return text("there are ", product.shape().columns, " output channels, in rows or not in fours; the kernel stores four ",
                "elements of less than 32 bits at once");
}

void lower(const Product& product, const TileGeometry& tile, Lowering& lowering) {
    const Operation& operation = product.operation();
    const ZeroPoints& zero = zero_points(operation);
    const std::int32_t weights = product.pack_weights(lowering, product.packing());
    const std::int32_t parameters = product.pack_parameters(lowering);
    const std::int64_t terms = exact_terms(product.x(), lowering.value(operation.inputs[1]), zero);
    const std::int64_t chunk = std::min((product.shape().channels + 3) / 4 * 4, terms / 4 * 4);
    const bool whole = (product.shape().channels + chunk - 1) / chunk * chunk * product.shape().taps <= terms;
    StepBuilder step(lowering, operation.name, "quantized/tile:int8");
    add_tile(step, lowering, product, product.packing(), tile);
    step.geometry(7, zero.x).geometry(8, static_cast<std::int32_t>(chunk)).geometry(9, whole ? 0 : static_cast<std::int32_t>(terms));
    step.reads(product.x().buffer).reads(weights).reads(parameters).writes(product.y().buffer);
    add_quantized_epilogue(step, lowering, operation, product.roles());
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> quantized_tile(const std::string& family, const std::string& refusal, const Product& product,
                                      const Query& query) {
    const std::string common = refusal.empty() ? refuse_store(product) : refusal;
    if (!common.empty()) return {{.name = family + "/tile", .refusal = common, .portable = true, .lower = {}}};
    std::vector<Candidate> out;
    for (const TileGeometry& tile : tiles_for(query.caps)) {
        Candidate candidate;
        candidate.name = tile_name(family, tile);
        candidate.refusal = refuse_tile(tile, product.shape());
        candidate.portable = true;
        candidate.lower = [product, tile](Lowering& lowering) { lower(product, tile, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
