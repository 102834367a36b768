// .../vector_<rows>x<columns>x<slices>: products of few rows, of which invocations divide the depth (shaders/convolution/vector.comp), for GPUs.
#include <algorithm>
#include <bit>

#include "support/error.hpp"
#include "tactics/product.hpp"

namespace tensorvk::tactics {
namespace {

struct VectorGeometry {
    std::int32_t vectors, slices; // fours of columns and parts of the depth of a workgroup
    [[nodiscard]] std::int32_t threads() const { return vectors * slices; }
    [[nodiscard]] std::int64_t columns() const { return std::int64_t{4} * vectors; }
};

constexpr VectorGeometry kGeometries[] = {{4, 64}, {8, 32}, {16, 16}, {8, 8}, {4, 8}};
constexpr std::int32_t kMostEach = 4;  // rows of a workgroup
constexpr std::int64_t kMostRows = 16; // more read their weights too often

std::string refuse_product(const ProductShape& shape, std::int64_t taps, bool inside) {
    if (!shape.rows) return "the number of rows is dynamic, this kernel is for few of them";
    if (*shape.rows > kMostRows) return text("there are ", *shape.rows, " rows, this kernel is for at most ", kMostRows);
    if (taps != 1 || !inside) return "the kernel has several taps or padding, this one takes products of channels alone";
    return {};
}

std::string refuse_geometry(const VectorGeometry& geometry, std::int32_t each, const ProductShape& shape, const vulkan::DeviceCaps& caps) {
    const TileNeeds needs{each, geometry.columns(), 16, std::int64_t{16} * each * geometry.threads(), geometry.threads()};
    if (std::string why = refuse_tile(needs, shape, caps); !why.empty()) return why;
    if (geometry.slices > 8 && shape.depth() < 2 * geometry.slices) return text("of ", shape.depth(), " terms most of ", geometry.slices, " slices would have none");
    return {};
}

void lower(const Product& product, const VectorGeometry& geometry, std::int32_t each, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    Packing packing = product.packing();
    packing.half = product.half();
    const std::int32_t weights = product.pack_weights(lowering, packing);
    const std::int32_t bias = product.pack_bias(lowering);
    StepBuilder step(lowering, product.operation().name, product.half() ? "convolution/vector:f16" : "convolution/vector:f32");
    step.local_size(geometry.threads());
    const std::int64_t column_groups = (packing.padded_columns() + geometry.columns() - 1) / geometry.columns();
    add_tile_grid(step, exprs, exprs.ceil_div(product.rows(exprs), exprs.constant(each)), column_groups, packing.parts);
    product.add_params(step, lowering, packing);
    step.geometry(2, product.shape().input_vectors ? 1 : 0).geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(4, each).geometry(5, geometry.vectors).geometry(6, geometry.slices);
    step.reads(product.x().buffer).reads(weights).reads(bias).writes(product.y().buffer);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits(), bias);
    lowering.add(step.take());
}

} // namespace

std::vector<Candidate> product_vector(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    std::string common = refusal.empty() && query.caps.is_cpu ? "shared memory and barriers cost 10x on CPU drivers" : refusal;
    if (common.empty()) common = refuse_product(product.shape(), product.packing().taps, product.always_inside());
    if (!common.empty()) return {{.name = family + "/vector", .refusal = common, .portable = false, .lower = {}}};
    const auto rows = static_cast<std::uint32_t>(std::max<std::int64_t>(*product.shape().rows, 1));
    const std::int32_t each = std::min(static_cast<std::int32_t>(std::bit_ceil(rows)), kMostEach);
    std::vector<Candidate> out;
    for (const VectorGeometry& geometry : kGeometries) {
        out.push_back({.name = text(family, "/vector_", each, "x", geometry.columns(), "x", geometry.slices),
                       .refusal = refuse_geometry(geometry, each, product.shape(), query.caps),
                       .portable = false,
                       .lower = [product, geometry, each](Lowering& lowering) { lower(product, geometry, each, lowering); }});
    }
    return out;
}

} // namespace tensorvk::tactics
