// The sizes, strides and windows that kernels of products get, in the order of convolution/product.glsl.
#include "tactics/collapse.hpp"
#include "tactics/layout.hpp"
#include "tactics/product.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kSumLocalSize = 128;

//! Element strides n, c, h, w of a convolution's value; 0 for an axis that it does not have.
struct ImageStrides {
    shape::Expr n{}, c{}, h{}, w{};
};

ImageStrides image_strides(Lowering& lowering, const Value& value) {
    const shape::Exprs strides = lowering.strides(value);
    const shape::Expr none = lowering.exprs().constant(0);
    return {strides[0], strides[1], strides.size() > 3 ? strides[strides.size() - 2] : none, strides.back()};
}

} // namespace

ConvolutionProblem::Extents Product::grid(shape::ExprPool& exprs) const {
    ConvolutionProblem::Extents out = ConvolutionProblem::spatial(y_, exprs);
    for (std::size_t axis = 0; axis < 3 && phases_; ++axis) out[axis] = exprs.ceil_div(out[axis], exprs.constant(window_.stride[axis]));
    return out;
}

shape::Expr Product::rows(shape::ExprPool& exprs) const {
    if (points_) return exprs.constant(*shape_.rows);
    if (matrix_) return exprs.product(shape::Exprs(y_.dims.begin(), y_.dims.end() - 1));
    const ConvolutionProblem::Extents extents = grid(exprs);
    return exprs.product(shape::Exprs{y_.dims[0], extents[0], extents[1], extents[2]});
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
    const bool moments = product.moments() >= 0;
    StepBuilder step(lowering, product.operation().name, moments ? "convolution/sum:moments_f16" : product.half() ? "convolution/sum:f16" : "convolution/sum:f32");
    const shape::Expr count =
        exprs.mul(product.rows(exprs), exprs.constant(packing.parts * packing.padded_columns() / 4));
    step.local_size(kSumLocalSize).flat_groups(exprs.ceil_div(count, exprs.constant(kSumLocalSize)));
    product.add_params(step, lowering, packing);
    step.geometry(3, product.shape().output_vectors ? 1 : 0);
    step.geometry(10, static_cast<std::int32_t>(splits)).geometry(11, static_cast<std::int32_t>(packing.parts));
    step.reads(slices).reads(bias).reads(bias).writes(product.y().buffer);
    add_epilogue(step, lowering, product.operation(), product.roles(), product.type_bits(), bias);
    if (moments) step.geometry(13, kSumLocalSize).writes(product.moments());
    lowering.add(step.take());
}

} // namespace tensorvk::tactics
