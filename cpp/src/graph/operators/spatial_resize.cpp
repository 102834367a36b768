// Shapes of Resize and Upsample where a layer cannot do it: scales that are data, axes, proportions that are kept.
#include <cmath>
#include <cstring>

#include "graph/operators/common.hpp"
#include "graph/operators/spatial.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;
using shape::Exprs;

//! The axes that scales and sizes speak of: all without the attribute.
std::vector<std::size_t> named_axes(const RuleContext& context, std::size_t rank) {
    std::vector<std::size_t> axes;
    for (const std::int64_t axis : attributes_of(context).integers("axes")) {
        axes.push_back(context.axis(axis, rank));
    }
    for (std::size_t axis = 0; axis < rank && !attributes_of(context).has("axes"); ++axis) {
        axes.push_back(axis);
    }
    return axes;
}

//! Exporters pass an empty tensor for what is not given.
bool is_given(const RuleContext& context, std::size_t index) {
    const Tensor* tensor = context.optional_input(index);
    return tensor != nullptr && !context.pool().is(context.pool().product(tensor->dims), 0);
}

//! Constant scales; nothing when they are data.
std::vector<float> known_scales(const Tensor& scales) {
    if (!scales.constant || scales.constant->type != DataType::kFLOAT) {
        return {};
    }
    std::vector<float> out(static_cast<std::size_t>(scales.constant->count));
    std::memcpy(out.data(), scales.constant->data, out.size() * sizeof(float));
    return out;
}

void check_count(const RuleContext& context, std::size_t count, std::size_t axes, const char* what) {
    if (count != axes) {
        context.fail("has ", count, " ", what, " for ", axes, " axes.");
    }
}

Exprs scaled(const RuleContext& context, const Tensor& x, const Tensor& scales, const std::vector<std::size_t>& axes) {
    constexpr float kLargest = 1e9f; // as the host function has it
    const std::vector<float> known = known_scales(scales);
    if (!known.empty()) {
        check_count(context, known.size(), axes.size(), "scales");
    }
    Exprs dims = x.dims;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        Expr& dim = dims[axes[i]];
        const auto extent = context.pool().value(dim);
        if (known.empty() || !extent) {
            dim = !known.empty() && known[i] == 1.0f ? dim : context.unknown(0, static_cast<int>(axes[i]));
            continue;
        }
        const float length = known[i] * static_cast<float>(*extent);
        if (!(known[i] > 0.0f) || !(length < kLargest)) {
            context.fail("has the scale ", known[i], " for an axis of ", *extent, " elements.");
        }
        dim = context.pool().constant(static_cast<std::int64_t>(std::floor(length)));
    }
    return dims;
}

//! Sizes as they are, or made smaller or larger until the picture's proportions are right: those are found when it runs.
Exprs sized(const RuleContext& context, const Tensor& x, std::size_t index, const std::vector<std::size_t>& axes, bool stretched) {
    const Exprs& sizes = context.values(index);
    check_count(context, sizes.size(), axes.size(), "sizes");
    Exprs dims = x.dims;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        dims[axes[i]] = stretched ? sizes[i] : context.unknown(0, static_cast<int>(axes[i]));
    }
    return dims;
}

} // namespace

//! Inputs: x, roi, scales, sizes; before operator set 11, and for Upsample: x, scales.
std::vector<Inferred> resize_with_data(RuleContext& context) {
    (void)word_attribute(context, "mode", "nearest", {"nearest", "linear", "bilinear", "cubic", "bicubic"});
    (void)word_attribute(context, "coordinate_transformation_mode", "half_pixel",
                         {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"});
    (void)word_attribute(context, "nearest_mode", "round_prefer_floor", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
    const bool stretched = word_attribute(context, "keep_aspect_ratio_policy", "stretch", {"stretch", "not_larger", "not_smaller"}) == "stretch";
    const Tensor& x = context.input(0);
    const bool old = attributes_of(context).integer("opset", 11) < 11;
    const std::vector<std::size_t> axes = named_axes(context, x.dims.size());
    const std::size_t scales = old ? 1 : 2;
    if (!old && is_given(context, 3)) {
        return one(x.dtype, sized(context, x, 3, axes, stretched));
    }
    if (!is_given(context, scales)) {
        context.fail("needs either scales or sizes.");
    }
    return one(x.dtype, scaled(context, x, context.input(scales), axes));
}

} // namespace tensorvk::graph
