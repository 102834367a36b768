#include "tactics/product.hpp"

#include <algorithm>

#include "support/error.hpp"
#include "tactics/collapse.hpp"
#include "tactics/layout.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kSumLocalSize = 128;

bool all(const ConvolutionProblem::Triple& values, std::int64_t expected) {
    return values[0] == expected && values[1] == expected && values[2] == expected;
}

bool zeros(const std::vector<std::int64_t>& values) {
    for (const std::int64_t value : values) {
        if (value != 0) return false;
    }
    return true;
}

//! Element strides n, c, h, w of a convolution's value; 0 for an axis that it does not have.
struct ImageStrides {
    shape::Expr n{}, c{}, h{}, w{};
};

ImageStrides image_strides(Lowering& lowering, const Value& value) {
    const shape::Exprs strides = lowering.strides(value);
    const shape::Expr none = lowering.exprs().constant(0);
    return {strides[0], strides[1], strides.size() > 3 ? strides[strides.size() - 2] : none, strides.back()};
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

ConvolutionProblem::Extents Product::grid(shape::ExprPool& exprs) const {
    ConvolutionProblem::Extents out = ConvolutionProblem::spatial(y_, exprs);
    for (std::size_t axis = 0; axis < 3 && phases_; ++axis) out[axis] = exprs.ceil_div(out[axis], exprs.constant(window_.stride[axis]));
    return out;
}

std::optional<RowNormalization> Product::normalized() const {
    return matrix_ ? std::get<MatrixProduct>(operation_.kind).normalized : std::nullopt;
}

shape::Expr Product::rows(shape::ExprPool& exprs) const {
    if (points_) return exprs.constant(*shape_.rows);
    if (matrix_) return exprs.product(shape::Exprs(y_.dims.begin(), y_.dims.end() - 1));
    const ConvolutionProblem::Extents extents = grid(exprs);
    return exprs.product(shape::Exprs{y_.dims[0], extents[0], extents[1], extents[2]});
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

void Product::add_window(StepBuilder& step, const ConvolutionProblem::Extents& grid, shape::ExprPool& exprs) const {
    const bool volume = x_.dims.size() > 4;
    if (!volume && !phases_) {
        step.param(window_.kernel[2]).param(window_.stride[1]).param(window_.stride[2]);
        step.param(window_.dilation[1]).param(window_.dilation[2]).param(window_.pre[1]).param(window_.pre[2]);
        return;
    }
    step.param(grid[1]).param(ConvolutionProblem::spatial(x_, exprs)[0]).params(ConvolutionProblem::spatial(y_, exprs)).param(0).param(0);
    step.geometry(16, (volume ? 1 : 0) | (phases_ ? 2 : 0) | (cropped_ ? 4 : 0));
    for (std::uint32_t axis = 0; axis < 3; ++axis) {
        const std::int64_t dilation = phases_ ? -window_.dilation[axis] : window_.dilation[axis];
        step.geometry(17 + axis, static_cast<std::int32_t>(window_.kernel[axis])).geometry(20 + axis, static_cast<std::int32_t>(window_.stride[axis]));
        step.geometry(23 + axis, static_cast<std::int32_t>(dilation)).geometry(26 + axis, static_cast<std::int32_t>(window_.pre[axis]));
    }
}

void Product::add_matrix_params(StepBuilder& step, Lowering& lowering, const Packing& packing) const {
    const shape::Expr row_count = rows(lowering.exprs());
    const FactorStrides a = factor_strides(lowering, x_, std::get<MatrixProduct>(operation_.kind).transpose_a, 2);
    step.param(row_count).param(row_count).param(row_count).param(1).param(row_count);
    step.param(0).param(0).param(a.row).param(a.column);
    step.param(1).param(1).param(1).param(1).param(1).param(0).param(0);
    step.param(shape_.channels).param(shape_.depth()).param(shape_.columns).param(packing.padded_columns());
    step.param(0).param(0).param(target().dims.back()).param(1);
    step.param(0).param(packing.padded_depth() * packing.padded_columns()).param(0).param(0);
}

void Product::add_points_params(StepBuilder& step, const Packing& packing) const {
    const std::int64_t tiles = *shape_.rows;
    step.param(tiles).param(tiles).param(tiles).param(1).param(tiles);
    step.param(0).param(0).param(shape_.channels).param(1);
    step.param(1).param(1).param(1).param(1).param(1).param(0).param(0);
    step.param(shape_.channels).param(shape_.channels).param(shape_.columns).param(packing.padded_columns());
    step.param(0).param(0).param(shape_.columns).param(1);
    step.param(tiles * shape_.channels).param(packing.padded_depth() * packing.padded_columns()).param(tiles * shape_.columns).param(0);
}

void Product::add_params(StepBuilder& step, Lowering& lowering, const Packing& packing) const {
    if (place_) step.geometry(15, static_cast<std::int32_t>(place_->first));
    if (points_) return add_points_params(step, packing);
    if (matrix_) return add_matrix_params(step, lowering, packing);
    shape::ExprPool& exprs = lowering.exprs();
    const ImageStrides x = image_strides(lowering, x_);
    const ImageStrides y = image_strides(lowering, target());
    const ConvolutionProblem::Extents in = ConvolutionProblem::spatial(x_, exprs), out = grid(exprs);
    const auto times = [&](std::int64_t factor, shape::Expr value) { return exprs.mul(exprs.constant(factor), value); };
    step.param(rows(exprs)).param(out[2]).param(exprs.product(shape::Exprs{out[0], out[1], out[2]})).param(in[1]).param(in[2]);
    step.param(x.n).param(x.h).param(x.w).param(x.c);
    add_window(step, out, exprs);
    step.param(shape_.channels).param(shape_.depth()).param(shape_.columns).param(packing.padded_columns());
    step.param(y.n).param(y.h).param(y.w).param(y.c);
    step.param(times(shape_.channels, x.c)).param(packing.padded_depth() * packing.padded_columns()).param(times(shape_.columns, y.c)).param(shape_.columns);
}

void add_tile_grid(StepBuilder& step, shape::ExprPool& exprs, shape::Expr row_groups, std::int64_t column_groups,
                   std::int64_t slices) {
    const shape::Expr x = exprs.max(exprs.constant(1), exprs.min(row_groups, exprs.constant(65535)));
    step.groups(x, exprs.ceil_div(row_groups, x), exprs.constant(column_groups * slices));
    step.geometry(12, static_cast<std::int32_t>(column_groups));
}

void add_slice_sum(const Product& product, const Packing& packing, std::int32_t slices, std::int32_t bias,
                   std::int64_t splits, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, product.operation().name,
                     product.half() ? "convolution/sum:f16" : "convolution/sum:f32");
    const shape::Expr count =
        exprs.mul(product.rows(exprs), exprs.constant(packing.parts * packing.padded_columns() / 4));
    step.local_size(kSumLocalSize).flat_groups(exprs.ceil_div(count, exprs.constant(kSumLocalSize)));
    product.add_params(step, lowering, packing);
    step.geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(10, static_cast<std::int32_t>(splits)).geometry(11, static_cast<std::int32_t>(packing.parts));
    step.reads(slices).reads(bias).reads(bias).writes(product.y().buffer);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits(), bias);
    lowering.add(step.take());
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
    constexpr Tactic kTactics[] = {{product_texel}, {product_tile}, {product_shared}, {product_vector}, {product_coopmat, true}};
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
