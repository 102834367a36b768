#include "tactics/product.hpp"

#include "support/error.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kPackLocalSize = 64;

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
    return {strides[0], strides[1], strides.size() > 3 ? strides[2] : none, strides.back()};
}

std::optional<std::int64_t> known_product(const shape::Exprs& dims, const shape::ExprPool& exprs) {
    std::int64_t product = 1;
    for (const shape::Expr dim : dims) {
        const std::optional<std::int64_t> known = exprs.value(dim);
        if (!known) return std::nullopt;
        product *= *known;
    }
    return product;
}

shape::Exprs without_channels(const Value& value) {
    shape::Exprs dims = value.dims;
    dims.erase(dims.begin() + 1);
    return dims;
}

} // namespace

std::string Product::refuse(const ConvolutionProblem& p, const Query& query) {
    if (p.x.dims.size() > 4) return text("the convolution has ", p.x.dims.size() - 2, " spatial axes, this kernel takes one or two");
    if (p.transposed()) {
        const bool fits = p.kernel == p.stride && all(p.dilation, 1) && all(p.pre, 0) && zeros(p.convolution().geometry.post) &&
                          zeros(p.convolution().output_padding) && p.groups == 1;
        if (!fits) return "a transposed convolution is a matrix product only when its kernel is its stride, without padding, dilation and groups";
    }
    return refuse_epilogue(query, p.roles, false);
}

std::string Product::refuse(const MatrixProblem& p, const Query& query) {
    if (p.b.dims.size() != 2) return text("the second factor has rank ", p.b.dims.size(), ", this kernel takes one matrix for all rows");
    if (p.b.dtype != DataType::kFLOAT) return "the second factor is not float32";
    if (p.product().transpose_a && p.a.dims.size() != 2) return text("the first factor is transposed and has rank ", p.a.dims.size(), ", not 2");
    if (p.a.layout != Layout::kLINEAR || p.c.layout != Layout::kLINEAR) return "a factor or the product is stored channels last, not in rows";
    if (!query.exprs.value(p.k) || !query.exprs.value(p.n)) return "the columns or the depth of the product are dynamic, this kernel packs its second factor";
    return refuse_epilogue(query, p.roles, false);
}

Product::Product(const ConvolutionProblem& p, const shape::ExprPool& exprs)
    : operation_(p.operation), x_(p.x), weights_(p.weights), y_(p.y), bias_(p.bias), half_(p.half()), subpixel_(p.transposed()),
      type_bits_(p.type_bits()), roles_(p.roles), out_channels_(p.out_channels), groups_(p.groups) {
    packing_ = {.parts = subpixel_ ? p.taps() : p.groups, .columns = p.group_out(), .channels = p.group_in(), .taps = p.taps(),
                .transposed = subpixel_, .part_per_tap = subpixel_};
    shape_ = {.parts = packing_.parts, .columns = packing_.columns, .channels = packing_.channels, .taps = subpixel_ ? 1 : p.taps(),
              .rows = known_product(without_channels(subpixel_ ? x_ : y_), exprs)};
    shape_.input_vectors = x_.layout == Layout::kCHANNELS_LAST && p.group_in() % 4 == 0;
    shape_.output_vectors = y_.layout == Layout::kCHANNELS_LAST && p.group_out() % 4 == 0;
    if (subpixel_) {
        window_.spread = {p.stride[1], p.stride[2]};
        window_.part_width = p.kernel[2];
    } else {
        window_.stride = {p.stride[1], p.stride[2]};
        window_.dilation = {p.dilation[1], p.dilation[2]};
        window_.pre = {p.pre[1], p.pre[2]};
        window_.kernel_width = p.kernel[2];
    }
}

Product::Product(const MatrixProblem& p, const shape::ExprPool& exprs)
    : operation_(p.operation), x_(p.a), weights_(p.b), y_(p.c), bias_(p.bias), half_(p.half), matrix_(true), type_bits_(p.type_bits()),
      roles_(p.roles), out_channels_(exprs.value(p.n).value_or(0)) {
    packing_ = {.columns = out_channels_, .channels = exprs.value(p.k).value_or(0), .transposed = !p.product().transpose_b};
    shape_ = {.columns = packing_.columns, .channels = packing_.channels,
              .rows = known_product({y_.dims.begin(), y_.dims.end() - 1}, exprs)};
    shape_.input_vectors = !p.product().transpose_a && packing_.channels % 4 == 0;
    shape_.output_vectors = packing_.columns % 4 == 0;
}

shape::Expr Product::rows(shape::ExprPool& exprs) const {
    if (matrix_) return exprs.product(shape::Exprs(y_.dims.begin(), y_.dims.end() - 1));
    return exprs.product(without_channels(subpixel_ ? x_ : y_));
}

std::int32_t Product::pack_weights(Lowering& lowering, const Packing& packing) const {
    const std::int64_t count = packing.parts * packing.padded_depth() * packing.padded_columns();
    const std::int64_t bytes = count * (packing.half ? 2 : 4);
    const bool constant = lowering.program().buffers[static_cast<std::size_t>(weights_.buffer)].kind == plan::BufferKind::kCONSTANT;
    const std::string key = text("packed:", weights_.buffer, ":", packing.parts, "x", packing.padded_depth(), "x", packing.padded_columns(),
                                 packing.half ? ":f16" : ":f32", packing.transposed ? ":t" : "", packing.part_per_tap ? ":p" : "");
    const auto [buffer, make] = constant ? lowering.derived(key, bytes) : std::pair(lowering.scratch(lowering.exprs().constant(bytes)), true);
    if (!make) return buffer;
    StepBuilder step(lowering, operation_.name, packing.half ? "convolution/pack:f16" : "convolution/pack:f32");
    step.local_size(kPackLocalSize).flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
    step.specialize(false).param(count).param(packing.padded_columns()).param(packing.padded_depth()).param(packing.columns);
    step.param(packing.channels).param(packing.taps).param(packing.transposed ? 1 : 0).param(packing.part_per_tap ? 1 : 0).param(0);
    step.reads(weights_.buffer).writes(buffer);
    constant ? lowering.add_init(step.take()) : lowering.add(step.take());
    return buffer;
}

std::int32_t Product::pack_bias(Lowering& lowering) const {
    const std::int64_t count = (out_channels_ + 3) / 4 * 4 + 4; // kernels read four from any channel
    const std::string key = bias_ >= 0 ? text("bias:", bias_, ":", count) : text("zeros:", count);
    const auto [buffer, make] = lowering.derived(key, count * 4);
    if (!make) return buffer;
    StepBuilder step(lowering, operation_.name, "convolution/pack:f32");
    step.local_size(kPackLocalSize).flat_groups(lowering.exprs().constant((count + kPackLocalSize - 1) / kPackLocalSize));
    step.specialize(false).param(count).param(count).param(1).param(out_channels_).param(1).param(1).param(0).param(0).param(bias_ >= 0 ? 0 : 1);
    step.reads(bias_ >= 0 ? bias_ : weights_.buffer).writes(buffer);
    lowering.add_init(step.take());
    return buffer;
}

void Product::add_params(StepBuilder& step, Lowering& lowering, const Packing& packing) const {
    shape::ExprPool& exprs = lowering.exprs();
    const shape::Expr row_count = rows(exprs);
    const shape::Expr zero = exprs.constant(0);
    const shape::Expr one = exprs.constant(1);
    const std::int64_t weight_part = packing.padded_depth() * packing.padded_columns();
    const auto common = [&](const ImageStrides& x, shape::Expr in_height, shape::Expr in_width, shape::Expr out_width, shape::Expr plane) {
        step.param(row_count).param(out_width).param(plane).param(in_height).param(in_width);
        step.param(x.n).param(x.h).param(x.w).param(x.c);
        step.param(window_.kernel_width).params(window_.stride).params(window_.dilation).params(window_.pre);
        step.param(shape_.channels).param(shape_.depth()).param(shape_.columns).param(packing.padded_columns());
    };
    if (matrix_) {
        const FactorStrides a = factor_strides(lowering, x_, std::get<MatrixProduct>(operation_.kind).transpose_a, 2);
        common({zero, a.column, zero, a.row}, one, row_count, row_count, row_count);
        step.param(zero).param(zero).param(out_channels_).param(one);
        step.param(zero).param(weight_part).param(one).param(zero).param(zero).param(zero);
        return;
    }
    const ImageStrides x = image_strides(lowering, x_);
    const ImageStrides y = image_strides(lowering, y_);
    const Value& grid = subpixel_ ? x_ : y_; // rows are its positions
    const auto height = [&](const Value& value) { return value.dims.size() > 3 ? value.dims[2] : one; };
    common(x, height(x_), x_.dims.back(), grid.dims.back(), exprs.mul(height(grid), grid.dims.back()));
    const auto times = [&](std::int64_t factor, shape::Expr value) { return exprs.mul(exprs.constant(factor), value); };
    step.param(y.n).param(times(window_.spread[0], y.h)).param(times(window_.spread[1], y.w)).param(y.c);
    step.param(subpixel_ ? zero : times(shape_.channels, x.c)).param(weight_part).param(window_.part_width);
    step.param(subpixel_ ? y.h : times(shape_.columns, y.c)).param(y.w).param(subpixel_ ? 0 : shape_.columns);
}

std::vector<Candidate> product_candidates(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    constexpr ProductTactic kTactics[] = {product_tile, product_shared};
    std::vector<Candidate> out;
    for (const ProductTactic tactic : kTactics) {
        for (Candidate& candidate : tactic(family, refusal, product, query)) out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
