// Resize and its predecessor Upsample.
#include <algorithm>
#include <map>

#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;

InterpolationMode read_mode(const NodeContext& node) {
    static const std::map<std::string, InterpolationMode, std::less<>> kModes = {
        {"nearest", InterpolationMode::kNEAREST},
        {"linear", InterpolationMode::kLINEAR},
        {"bilinear", InterpolationMode::kLINEAR},
        {"cubic", InterpolationMode::kCUBIC}};
    const std::string mode = node.string("mode", "nearest");
    const auto it = kModes.find(mode);
    if (it == kModes.end()) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Mode '", mode,
             "' is unknown; nearest, linear and cubic are allowed.");
    }
    return it->second;
}

//! ONNX's names for where a source pixel lies, as coordinates, selector and rounding. False: the layer has no such transformation.
bool read_coordinates(const NodeContext& node, graph::ResizeAttributes& a) {
    static const std::map<std::string, ResizeRoundMode, std::less<>> kRounding = {
        {"round_prefer_floor", ResizeRoundMode::kHALF_DOWN},
        {"round_prefer_ceil", ResizeRoundMode::kHALF_UP},
        {"floor", ResizeRoundMode::kFLOOR},
        {"ceil", ResizeRoundMode::kCEIL}};
    static const std::map<std::string, ResizeCoordinateTransformation, std::less<>> kCoordinates = {
        {"half_pixel", ResizeCoordinateTransformation::kHALF_PIXEL},
        {"pytorch_half_pixel", ResizeCoordinateTransformation::kHALF_PIXEL},
        {"align_corners", ResizeCoordinateTransformation::kALIGN_CORNERS},
        {"asymmetric", ResizeCoordinateTransformation::kASYMMETRIC}};
    const std::string rounding = node.string("nearest_mode", "round_prefer_floor");
    const auto it = kRounding.find(rounding);
    if (it == kRounding.end()) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'nearest_mode' is '", rounding,
             "'; round_prefer_floor, round_prefer_ceil, floor and ceil are allowed.");
    }
    a.rounding = it->second;
    const std::string transformation = node.string("coordinate_transformation_mode", "half_pixel");
    if (const auto known = kCoordinates.find(transformation); known != kCoordinates.end()) {
        a.coordinates = known->second;
        a.selector = transformation == "pytorch_half_pixel" ? ResizeSelector::kUPPER : a.selector;
        return true;
    }
    if (transformation != "tf_half_pixel_for_nn" && transformation != "tf_crop_and_resize" && transformation != "half_pixel_symmetric") {
        fail(NodeErrorCode::kINVALID_NODE, "The coordinate transformation '", transformation, "' is none of ONNX's; half_pixel, ",
             "half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric, tf_half_pixel_for_nn and tf_crop_and_resize are.");
    }
    // floor((i + 0.5) / s) is the half-pixel coordinate rounded half up.
    a.coordinates = ResizeCoordinateTransformation::kHALF_PIXEL;
    a.rounding = ResizeRoundMode::kHALF_UP;
    return transformation == "tf_half_pixel_for_nn" && a.mode == InterpolationMode::kNEAREST && rounding == "floor";
}

//! Whether the Resize layer does it; if not, the operator of the same name does, on the host.
bool is_for_layer(const NodeContext& node, const Tensor* x) {
    return is_floating(x->dtype) && node.integer("antialias", 0) == 0 &&
           node.string("keep_aspect_ratio_policy", "stretch") == "stretch";
}

constexpr std::size_t kLayerAxes = 3; // that a layer can resize, counted from the last one

//! Scales given for some axes, as one for each.
std::vector<float> all_scales(const NodeContext& node, const std::vector<double>& given, const Tensor* x) {
    const std::size_t rank = x->dims.size();
    const Ints axes = node.axes(node.integers("axes"), rank);
    if (!node.has("axes")) {
        return {given.begin(), given.end()};
    }
    std::vector<float> scales(rank, 1.0f);
    for (std::size_t i = 0; i < axes.size() && i < given.size(); ++i) {
        scales[static_cast<std::size_t>(axes[i])] = static_cast<float>(given[i]);
    }
    return scales;
}

//! Sizes given for some axes, as a shape tensor for all.
Tensor* all_sizes(NodeContext& node, Tensor* sizes, Tensor* x) {
    if (!node.has("axes")) {
        return sizes;
    }
    const Ints axes = node.axes(node.integers("axes"), x->dims.size());
    std::vector<Tensor*> parts;
    for (std::size_t axis = 0; axis < x->dims.size(); ++axis) {
        const auto at = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis));
        parts.push_back(at == axes.end()
                            ? node.build.extents_of(x, {static_cast<std::int64_t>(axis)})
                            : node.build.add(LayerType::kGATHER, {sizes, node.build.ints({at - axes.begin()})},
                                             graph::GatherAttributes{}, "size"));
    }
    return node.build.concatenate(std::move(parts), 0, "sizes");
}

std::vector<double> scales_input(NodeContext& node, std::size_t index) {
    const auto numbers = node.constant_doubles(index);
    if (!numbers) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "Input ", index,
             " (scales) must be constant; it is computed while the network runs, so export with sizes.");
    }
    return *numbers;
}

bool is_given(NodeContext& node, std::size_t index) {
    if (!node.has_input(index)) {
        return false;
    }
    const auto data = node.constant(index);
    return !data || data->weights.count > 0; // exporters pass an empty tensor for what is not given
}

//! Whether some size of an axis that layers keep may be another than the input's.
bool changes_outer_axis(const Tensor* x, const Tensor* sizes) {
    for (std::size_t axis = 0; axis + kLayerAxes < x->dims.size() && axis < sizes->values->size(); ++axis) {
        if ((*sizes->values)[axis] != x->dims[axis]) {
            return true;
        }
    }
    return false;
}

void resize_by_sizes(NodeContext& node, Tensor* x, graph::ResizeAttributes a) {
    Tensor* sizes = all_sizes(node, node.shape_input(3, "sizes"), x);
    if (changes_outer_axis(x, sizes)) {
        return import_by_rule(node, node.op());
    }
    if (auto known = node.build.known(sizes)) {
        a.shape = std::move(*known);
        return node.output(node.build.add(LayerType::kRESIZE, {x}, std::move(a)));
    }
    node.output(node.build.add(LayerType::kRESIZE, {x, sizes}, std::move(a)));
}

void resize_by_scales(NodeContext& node, Tensor* x, graph::ResizeAttributes a) {
    for (std::size_t axis = 0; axis + kLayerAxes < a.scales.size(); ++axis) {
        if (a.scales[axis] != 1.0f) {
            return import_by_rule(node, node.op());
        }
    }
    node.output(node.build.add(LayerType::kRESIZE, {x}, std::move(a)));
}

void resize_floats(NodeContext& node) {
    Tensor* x = node.input(0);
    graph::ResizeAttributes a;
    a.mode = read_mode(node);
    const bool old = node.opset() < 11; // inputs: x, scales; asymmetric, rounded down
    if ((!old && !read_coordinates(node, a)) || !is_for_layer(node, x)) {
        return import_by_rule(node, node.op());
    }
    if (old) {
        const auto scales = scales_input(node, 1);
        a.scales.assign(scales.begin(), scales.end());
        return resize_by_scales(node, x, std::move(a));
    }
    a.exclude_outside = node.integer("exclude_outside", 0) != 0;
    a.cubic_coeff = node.real("cubic_coeff_a", -0.75f);
    if (is_given(node, 3)) {
        return resize_by_sizes(node, x, std::move(a));
    }
    if (!is_given(node, 2)) {
        fail(NodeErrorCode::kINVALID_NODE, "Neither scales nor sizes are given.");
    }
    a.scales = all_scales(node, scales_input(node, 2), x);
    resize_by_scales(node, x, std::move(a));
}

//! Where elements are only copied, floats carry 8-bit integers exactly through the layer.
void resize(NodeContext& node) {
    const DataType type = node.input(0)->dtype;
    if (read_mode(node) != InterpolationMode::kNEAREST || (type != DataType::kINT8 && type != DataType::kUINT8)) {
        return resize_floats(node);
    }
    node.set_input(0, node.build.cast(node.input(0), DataType::kFLOAT, "float"));
    resize_floats(node);
    Tensor* y = node.results().at(0).tensor;
    node.results().clear();
    node.output(node.build.cast(y, type, "bytes"));
}

void upsample(NodeContext& node) {
    if (!node.has("scales")) {
        return resize(node);
    }
    std::vector<float> scales = node.reals("scales"); // before operator set 9
    const auto count = static_cast<std::int64_t>(scales.size());
    node.set_input(1, node.build.constant({count}, make_weights(DataType::kFLOAT, std::move(scales)), "scales"));
    resize(node);
}

constexpr Operator kOperators[] = {
    {"Resize", resize, 4},
    {"Upsample", upsample, 2},
};

} // namespace

std::span<const Operator> resize_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
