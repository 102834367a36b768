// Shapes of what samples images between their pixels, and of regions.
#include "graph/operators/common.hpp"
#include "graph/operators/spatial.hpp"
#include "graph/operators/window.hpp"

namespace tensorvk::graph {

namespace {

using shape::Exprs;

//! The extent that an attribute gives an output's axis.
shape::Expr extent_attribute(const RuleContext& context, const char* name, std::int64_t extent) {
    if (extent < 1) {
        context.fail("has the number ", extent, " in '", name, "'; it has to be 1 or more.");
    }
    return context.pool().constant(extent);
}

} // namespace

std::vector<Inferred> grid_sample(RuleContext& context) {
    const Tensor& x = context.input(0);
    const Tensor& grid = context.input(1);
    context.require_floating(x, "input");
    context.require_floating(grid, "grid");
    (void)word_attribute(context, "mode", "linear", {"nearest", "linear", "bilinear", "cubic", "bicubic"});
    (void)word_attribute(context, "padding_mode", "zeros", {"zeros", "border", "reflection"});
    if (x.dims.size() < 3 || grid.dims.size() != x.dims.size()) {
        context.fail("needs an input [N, C, spatial axes] and a grid [N, places, axes] with as many dimensions; '", x.name, "' is ",
                     context.str(x.dims), " and '", grid.name, "' ", context.str(grid.dims), ".");
    }
    const auto axes = static_cast<std::int64_t>(x.dims.size() - 2);
    (void)context.same(grid.dims.back(), context.pool().constant(axes), "coordinates of a place and spatial axes");
    Exprs dims = {context.same(x.dims[0], grid.dims[0], "batches of input and grid"), x.dims[1]};
    dims.insert(dims.end(), grid.dims.begin() + 1, grid.dims.end() - 1);
    return one(x.dtype, std::move(dims));
}

std::vector<Inferred> affine_grid(RuleContext& context) {
    const Tensor& theta = context.input(0);
    const Exprs& size = context.values(1);
    context.require_floating(theta, "input");
    require_rank(context, context.input(0), 3, "matrices [N, axes, axes + 1]");
    if (size.size() != 4 && size.size() != 5) {
        context.fail("needs a size [N, C, H, W] or [N, C, D, H, W]; '", context.input(1).name, "' has ", size.size(), " numbers.");
    }
    Exprs dims = {context.same(theta.dims[0], size[0], "batches of matrices and size")};
    dims.insert(dims.end(), size.begin() + 2, size.end());
    dims.push_back(context.pool().constant(static_cast<std::int64_t>(size.size() - 2)));
    return one(theta.dtype, std::move(dims));
}

//! How large the picture is stands in the encoded bytes.
std::vector<Inferred> image_decoder(RuleContext& context) {
    const Tensor& encoded = context.input(0);
    if (encoded.dtype != DataType::kUINT8 || encoded.dims.size() != 1) {
        context.fail("needs a vector of bytes (uint8); '", encoded.name, "' is ", context.str(encoded.dims), ".");
    }
    const bool grey = word_attribute(context, "pixel_format", "RGB", {"RGB", "BGR", "Grayscale"}) == "Grayscale";
    return one(DataType::kUINT8, {context.unknown(0, 0), context.unknown(0, 1), context.pool().constant(grey ? 1 : 3)});
}

std::vector<Inferred> roi_align(RuleContext& context) {
    const Tensor& x = context.input(0);
    const AttributeSet& a = attributes_of(context);
    context.require_floating(x, "input");
    (void)word_attribute(context, "mode", "avg", {"avg", "max"});
    (void)word_attribute(context, "coordinate_transformation_mode", "half_pixel", {"half_pixel", "output_half_pixel"});
    require_rank(context, context.input(0), 4, "images [N, C, H, W]");
    require_rank(context, context.input(1), 2, "regions [count, 4]");
    require_rank(context, context.input(2), 1, "the image of each region");
    const shape::Expr count = context.same(context.input(1).dims[0], context.input(2).dims[0], "numbers of regions and of their images");
    return one(x.dtype, {count, x.dims[1], extent_attribute(context, "output_height", a.integer("output_height", 1)),
                         extent_attribute(context, "output_width", a.integer("output_width", 1))});
}

std::vector<Inferred> max_roi_pool(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    require_rank(context, context.input(0), 4, "images [N, C, H, W]");
    require_rank(context, context.input(1), 2, "regions [count, 5]");
    const auto pooled = per_axis(context, "pooled_shape", 2, 0, 1);
    return one(x.dtype, {context.input(1).dims[0], x.dims[1], extent_attribute(context, "pooled_shape", pooled[0]),
                         extent_attribute(context, "pooled_shape", pooled[1])});
}

} // namespace tensorvk::graph
