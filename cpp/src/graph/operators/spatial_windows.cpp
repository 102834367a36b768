// Shapes of convolutions whose kernel is data, and of pooling.
#include <algorithm>

#include "graph/operators/common.hpp"
#include "graph/operators/spatial.hpp"
#include "graph/operators/window.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;
using shape::Exprs;

//! [N, C, spatial...] with at least one spatial axis.
void require_image(const RuleContext& context, const Tensor& x) {
    if (x.dims.size() < 3) {
        context.fail("needs an input [N, C, spatial axes]; '", x.name, "' is ", context.str(x.dims), ".");
    }
}

Exprs with_batch(Expr batch, Expr channels, const Exprs& spatial) {
    Exprs dims = {batch, channels};
    dims.insert(dims.end(), spatial.begin(), spatial.end());
    return dims;
}

//! Extents after a transposed convolution, by the formulas of ONNX's ConvTranspose.
Exprs transposed_extents(RuleContext& context, const Exprs& x, const Exprs& kernel) {
    shape::ExprPool& pool = context.pool();
    const std::size_t count = x.size() - 2;
    const auto strides = per_axis(context, "strides", count, 1, 1);
    const auto dilations = per_axis(context, "dilations", count, 1, 1);
    const auto pads = per_axis(context, "pads", 2 * count, 0, 0);
    const auto added = per_axis(context, "output_padding", count, 0, 0);
    const auto asked = per_axis(context, "output_shape", count, 0, 0);
    const std::string mode = attributes_of(context).text("auto_pad", "NOTSET");
    Exprs out;
    for (std::size_t i = 0; i < count; ++i) {
        const Expr in = x[i + 2];
        if (asked[i] > 0) {
            out.push_back(pool.constant(asked[i]));
        } else if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
            out.push_back(pool.mul(in, pool.constant(strides[i])));
        } else {
            const Expr first = pool.mul(pool.sub(in, pool.constant(1)), pool.constant(strides[i]));
            const Expr reach = pool.mul(pool.sub(kernel[i + 2], pool.constant(1)), pool.constant(dilations[i]));
            out.push_back(pool.add(pool.add(first, reach), pool.constant(1 + added[i] - pads[i] - pads[i + count])));
        }
    }
    return out;
}

//! The p of LpPool and GlobalLpPool; a real number in ONNX's first operator set.
void require_norm(const RuleContext& context) {
    const AttributeSet& a = attributes_of(context);
    const double p = a.integer("opset", 2) < 2 ? a.real("p", 2.0) : static_cast<double>(a.integer("p", 2));
    if (!(p > 0.0)) {
        context.fail("has 'p' = ", p, "; norms have p above 0.");
    }
}

} // namespace

//! Of DeformConv as well, whose offsets and mask change no extent.
std::vector<Inferred> convolution_with_data(RuleContext& context) {
    const Tensor& x = context.input(0);
    require_one_floating_type(context, {0, 1, 2, 3, 4});
    return one(x.dtype, convolved_dims(context, x, context.input(1)));
}

std::vector<Inferred> transposed_convolution_with_data(RuleContext& context) {
    const Tensor& x = context.input(0);
    const Tensor& w = context.input(1);
    require_one_floating_type(context, {0, 1, 2});
    require_image(context, x);
    if (w.dims.size() != x.dims.size()) {
        context.fail("needs a kernel with as many dimensions as '", x.name, "' ", context.str(x.dims), "; '", w.name, "' is ",
                     context.str(w.dims), ".");
    }
    (void)context.same(x.dims[1], w.dims[0], "channels of input and kernel");
    const Expr groups = context.pool().constant(attributes_of(context).integer("group", 1));
    return one(x.dtype, with_batch(x.dims[0], context.pool().mul(w.dims[1], groups), transposed_extents(context, x.dims, w.dims)));
}

std::vector<Inferred> columns_to_image(RuleContext& context) {
    const Tensor& x = context.input(0);
    if (x.dims.size() != 3) {
        context.fail("needs columns [N, C * block elements, blocks]; '", x.name, "' is ", context.str(x.dims), ".");
    }
    shape::ExprPool& pool = context.pool();
    const Exprs image = context.values(1);
    const Exprs block = context.values(2);
    const Exprs dims = with_batch(x.dims[0], pool.floor_div(x.dims[1], pool.product(block)), image);
    (void)context.same(x.dims[2], pool.product(windowed_extents(context, dims, block)), "numbers of columns and of blocks in the image");
    return one(x.dtype, dims);
}

std::vector<Inferred> max_pool(RuleContext& context) {
    const Exprs dims = pooled_dims(context, context.input(0).dims);
    std::vector<Inferred> outputs;
    outputs.push_back({context.input(0).dtype, dims});
    outputs.push_back({DataType::kINT64, dims});
    return outputs;
}

std::vector<Inferred> pool_like_input(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    return one(x.dtype, pooled_dims(context, x.dims));
}

std::vector<Inferred> lp_pool(RuleContext& context) {
    require_norm(context);
    return pool_like_input(context);
}

std::vector<Inferred> global_lp_pool(RuleContext& context) {
    const Tensor& x = context.input(0);
    require_norm(context);
    context.require_floating(x, "input");
    require_image(context, x);
    Exprs dims(x.dims.size(), context.pool().constant(1));
    std::copy_n(x.dims.begin(), 2, dims.begin());
    return one(x.dtype, std::move(dims));
}

std::vector<Inferred> max_unpool(RuleContext& context) {
    const Tensor& x = context.input(0);
    require_image(context, x);
    shape::ExprPool& pool = context.pool();
    const std::size_t count = x.dims.size() - 2;
    const Exprs kernel = kernel_shape(context);
    if (kernel.size() != count) {
        context.fail("has a 'kernel_shape' of ", kernel.size(), " numbers for ", count, " spatial axes.");
    }
    const auto strides = per_axis(context, "strides", count, 1, 1);
    const auto pads = per_axis(context, "pads", 2 * count, 0, 0);
    Exprs spatial;
    for (std::size_t i = 0; i < count; ++i) {
        const Expr first = pool.mul(pool.sub(x.dims[i + 2], pool.constant(1)), pool.constant(strides[i]));
        spatial.push_back(pool.add(first, pool.sub(kernel[i], pool.constant(pads[i] + pads[i + count]))));
    }
    if (context.optional_input(2) == nullptr) {
        return one(x.dtype, with_batch(x.dims[0], x.dims[1], spatial));
    }
    const Exprs& asked = context.values(2);
    if (asked.size() != x.dims.size()) {
        context.fail("has an output shape of ", asked.size(), " dimensions for '", x.name, "' ", context.str(x.dims), ".");
    }
    return one(x.dtype, asked);
}

} // namespace tensorvk::graph
