#include "tactics/product.hpp"

#include <algorithm>

#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/layout.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::tactics {
namespace {

bool all(const ConvolutionProblem::Triple& values, std::int64_t expected) {
    return values[0] == expected && values[1] == expected && values[2] == expected;
}

bool zeros(const std::vector<std::int64_t>& values) {
    for (const std::int64_t value : values) {
        if (value != 0) return false;
    }
    return true;
}

void set_rows(ProductShape& shape, const shape::Exprs& dims, const shape::ExprPool& exprs) {
    bool dynamic = false;
    shape.least_rows = 1;
    for (const shape::Expr dim : dims) {
        const std::optional<std::int64_t> known = exprs.value(dim);
        dynamic = dynamic || !known;
        shape.least_rows *= known.value_or(1);
    }
    if (!dynamic) shape.rows = shape.least_rows;
}

//! Rows of a convolution: `each` n-th output along an axis has one.
void set_rows(ProductShape& shape, const ConvolutionProblem& p, const ConvolutionProblem::Triple& each, const shape::ExprPool& exprs) {
    const std::optional<std::int64_t> batch = exprs.value(p.y.dims[0]);
    bool dynamic = !batch;
    shape.least_rows = batch.value_or(1);
    for (std::size_t axis = 2; axis < p.y.dims.size(); ++axis) {
        const std::int64_t stride = each[3 - p.y.dims.size() + axis];
        const std::optional<std::int64_t> extent = exprs.value(p.y.dims[axis]);
        dynamic = dynamic || !extent;
        shape.least_rows *= (extent.value_or(1) + stride - 1) / stride;
    }
    if (!dynamic) shape.rows = shape.least_rows;
}

//! Whether some phases have no output at the last positions, as far as is known.
bool is_cropped(const ConvolutionProblem& p, const shape::ExprPool& exprs) {
    for (std::size_t axis = 2; axis < p.y.dims.size(); ++axis) {
        const std::int64_t stride = p.stride[3 - p.y.dims.size() + axis];
        const std::optional<std::int64_t> extent = exprs.value(p.y.dims[axis]);
        if (stride > 1 && (!extent || *extent % stride != 0)) return true;
    }
    return false;
}

//! What kernels take for the distance of the pictures of a volume.
bool has_even_slices(const Value& x, const Query& query) {
    if (x.strides.empty() || x.dims.size() < 5) return true;
    shape::ExprPool exprs = query.exprs; // a scratch copy
    return x.strides[2] == exprs.mul(x.strides[3], x.dims[3]);
}

//! Whether all taps of a convolution's positions lie in the picture.
bool is_always_inside(const ConvolutionProblem& p) {
    const bool unpadded = all(p.pre, 0) && zeros(p.convolution().geometry.post);
    return unpadded && (!p.transposed() || (p.kernel == p.stride && zeros(p.convolution().output_padding)));
}

} // namespace

std::string Product::refuse(const ConvolutionProblem& p, const Query& query) {
    if (!has_even_slices(p.x, query)) return text("the pictures of '", p.x.name, "' do not follow one another at the distance of their lines");
    if (p.transposed()) {
        for (std::size_t axis = 0; axis < 3; ++axis) {
            if (p.stride[axis] > 1 && p.dilation[axis] > 1) {
                return text("the transposed convolution has stride ", p.stride[axis], " and dilation ", p.dilation[axis], " along one axis, this kernel takes one of the two");
            }
        }
    }
    return refuse_epilogue(query, p.roles, false);
}

std::string Product::refuse(const MatrixProblem& p, const Query& query) {
    if (!std::all_of(p.b.dims.begin(), p.b.dims.end() - 2, [&](shape::Expr dim) { return query.exprs.is(dim, 1); }))
        return text("the second factor holds several matrices, this kernel takes one for all rows");
    if (p.b.dtype == DataType::kHALF) return "the second factor is float16, this kernel packs it from float32 or integers";
    if (p.product().transpose_a && p.a.dims.size() != 2)
        return text("the first factor is transposed and has rank ", p.a.dims.size(), ", not 2");
    if (p.a.layout != Layout::kLINEAR || p.c.layout != Layout::kLINEAR)
        return "a factor or the product is stored channels last, not in rows";
    shape::ExprPool exprs = query.exprs; // a scratch copy
    if (!has_even_rows(exprs, p.a)) return text("the rows of '", p.a.name, "' are not at one distance");
    if (!query.exprs.value(p.k) || !query.exprs.value(p.n))
        return "the columns or the depth of the product are dynamic, this kernel packs its second factor";
    return refuse_epilogue(query, p.roles, false);
}

Product::Product(const ConvolutionProblem& p, const shape::ExprPool& exprs)
    : operation_(p.operation),
      x_(p.x),
      weights_(p.weights),
      y_(p.y),
      bias_(p.bias),
      half_(p.half()),
      phases_(p.transposed()),
      cropped_(phases_ && is_cropped(p, exprs)),
      inside_(is_always_inside(p)),
      type_bits_(p.type_bits()),
      roles_(p.roles),
      out_channels_(p.out_channels),
      groups_(p.groups),
      window_{p.kernel, p.stride, p.dilation, p.pre} {
    constexpr ConvolutionProblem::Triple kOnes{1, 1, 1};
    const Phases phases = phases_ ? Phases{p.kernel, p.stride, p.pre} : Phases{};
    packing_ = {.parts = p.groups * (phases_ ? phases.count() : 1),
                .columns = p.group_out(),
                .channels = p.group_in(),
                .taps = p.taps(),
                .transposed = phases_,
                .phases = phases,
                .widened = p.widened,
                .source = weights_.dtype,
                .zero = p.convolution().zero.weights};
    shape_ = {.parts = packing_.parts,
              .columns = packing_.columns,
              .channels = packing_.channels,
              .taps = phases_ ? phases.taps() : p.taps()};
    set_rows(shape_, p, phases_ ? p.stride : kOnes, exprs);
    shape_.input_vectors = x_.layout == Layout::kCHANNELS_LAST && p.group_in() % 4 == 0 && keeps_units(exprs, x_, x_.dtype == DataType::kHALF ? 8 : 4);
    shape_.output_vectors = y_.layout == Layout::kCHANNELS_LAST && p.group_out() % 4 == 0;
}

Product::Product(const MatrixProblem& p, const shape::ExprPool& exprs)
    : operation_(p.operation),
      x_(p.a),
      weights_(p.b),
      y_(p.c),
      bias_(p.bias),
      column_sums_(p.column_sums),
      given_moments_(p.given_moments),
      moments_(p.moments),
      half_(p.variant == "f16"),
      matrix_(true),
      type_bits_(p.type_bits()),
      roles_(p.roles),
      out_channels_(exprs.value(p.n).value_or(0)) {
    packing_ = {
        .columns = out_channels_, .channels = exprs.value(p.k).value_or(0), .transposed = p.blocks() || !p.product().transpose_b,
        .source = weights_.dtype, .zero = p.product().zero.weights, .blocks = p.blocks()};
    shape_ = {.columns = packing_.columns, .channels = packing_.channels};
    set_rows(shape_, {y_.dims.begin(), y_.dims.end() - 1}, exprs);
    shape_.input_vectors = !p.product().transpose_a && packing_.channels % 4 == 0 && keeps_units(exprs, x_, x_.dtype == DataType::kHALF ? 8 : 4);
    shape_.output_vectors = packing_.columns % 4 == 0;
}

Product::Product(const PointsProduct& p)
    : operation_(p.operation), weights_(p.weights), half_(p.half_kernels), points_(true), type_bits_(p.type == DataType::kHALF ? 3 : 0), roles_(p.roles), packing_(p.packing) {
    x_.name = "points";
    x_.dtype = y_.dtype = p.type;
    x_.buffer = p.inputs;
    y_.buffer = p.sums;
    out_channels_ = packing_.columns;
    shape_ = {.parts = packing_.parts, .columns = packing_.columns, .channels = packing_.channels, .rows = p.tiles, .least_rows = p.tiles};
    shape_.input_vectors = shape_.output_vectors = true;
}

std::optional<Product::Place> Product::place_of(const Query& query) const {
    const Copy& copy = operation_.placement->copy;
    const Value& whole = query.output(1);
    const std::size_t channels = matrix_ ? y_.dims.size() - 1 : 1;
    if (copy.destination_axis != static_cast<std::int32_t>(channels) || copy.destination_stride != 1) return std::nullopt;
    if (whole.layout != y_.layout || whole.dtype != y_.dtype) return std::nullopt;
    shape::ExprPool exprs = query.exprs; // a scratch copy
    const auto first = exprs.value(exprs.mul(copy.destination_offset, memory_strides(exprs, whole)[channels]));
    if (!first || *first > INT32_MAX) return std::nullopt;
    return Place{whole, *first};
}

std::string Product::refuse_placement(const Query& query) const {
    if (!place_of(query)) return "the result's place is not known to be a range of channels of what it is a part of";
    for (const ValueId operand : operation_.operands) { // kernels read them where they write
        const auto mode = operand_mode(query.value(operand), y_, roles_, query.exprs);
        if (!mode || (mode->kind != OperandKind::kPER_CHANNEL && mode->kind != OperandKind::kSCALAR)) return text("'", query.value(operand).name, "' lies like the result alone");
    }
    return {};
}

Product Product::placed(const Query& query) const {
    Product out = *this;
    out.place_ = place_of(query);
    out.y_.buffer = out.place_->whole.buffer;
    const shape::Expr channels = out.place_->whole.dims[matrix_ ? y_.dims.size() - 1 : 1];
    out.shape_.output_vectors = shape_.output_vectors && out.place_->first % 4 == 0 && is_multiple_of(query.exprs, channels, 4);
    return out;
}

std::optional<RowNormalization> Product::normalized() const {
    return matrix_ ? std::get<MatrixProduct>(operation_.kind).normalized : std::nullopt;
}

std::int32_t Product::pack_weights(Lowering& lowering, const Packing& packing) const {
    return tactics::pack_weights(lowering, operation_.name, weights_.buffer, packing);
}

std::int32_t Product::pack_bias(Lowering& lowering) const {
    return tactics::pack_bias(lowering, operation_.name, bias_, out_channels_);
}

std::int32_t Product::pack_parameters(Lowering& lowering) const {
    return tactics::pack_parameters(lowering, operation_.name, operation_.epilogue, bias_, out_channels_);
}

std::string refuse_tile(const TileNeeds& tile, const ProductShape& shape, const vulkan::DeviceCaps& caps) {
    constexpr std::int64_t kFewRows = 32;
    if (caps.limits.max_shared_memory < tile.shared_bytes)
        return text("the tile takes ", tile.shared_bytes, " bytes of shared memory, the device has ", caps.limits.max_shared_memory);
    if (caps.limits.max_workgroup_invocations < tile.threads)
        return text("the tile takes ", tile.threads, " invocations, the device has ", caps.limits.max_workgroup_invocations);
    if (tile.columns > tile.narrow && shape.columns * 2 <= tile.columns)
        return text("there are ", shape.columns, " output channels, more than half of the ", tile.columns, " of the tile would be padding");
    if (shape.rows && tile.rows > kFewRows && *shape.rows * 2 <= tile.rows)
        return text("there are ", *shape.rows, " output positions, more than half of the ", tile.rows, " of the tile would be padding");
    return {};
}

std::int64_t splits_for(std::int64_t tile_rows, std::int64_t tile_columns, const ProductShape& shape, std::int64_t least_depth, std::int64_t most) {
    const auto tiles_of = [](std::int64_t extent, std::int64_t tile) { return (extent + tile - 1) / tile; };
    const std::int64_t tiles = tiles_of(shape.least_rows, tile_rows) * tiles_of(shape.columns, tile_columns) * shape.parts;
    return std::clamp<std::int64_t>(std::min(kBusyWorkgroups / std::max<std::int64_t>(tiles, 1), shape.depth() / least_depth), 1, most);
}

std::vector<Candidate> product_candidates(const std::string& family, const std::string& refusal, const Product& product,
                                          const Query& query) {
    struct Tactic {
        ProductTactic candidates;
        bool normalizes = false;
    };
    constexpr Tactic kTactics[] = {{product_texel}, {product_tile}, {product_shared}, {product_vector}, {product_coopmat, true}, {product_halo}};
    const bool in_place = query.operation.placement.has_value();
    const std::string why = refusal.empty() && in_place ? product.refuse_placement(query) : refusal;
    const Product target = in_place && why.empty() ? product.placed(query) : product;
    std::vector<Candidate> out;
    const std::string as_they_are = why.empty() && product.normalized() ? refuse_normalized(std::get<MatrixProduct>(query.operation.kind)) : why;
    for (const Tactic& tactic : kTactics) {
        for (Candidate& candidate : tactic.candidates(family, tactic.normalizes ? why : as_they_are, target, query)) {
            candidate.in_place = in_place;
            candidate.strided = query.input(1).strides.empty();
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

} // namespace tensorvk::tactics
