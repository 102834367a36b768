// Resize in every form that ONNX defines, axis by axis.
#include <algorithm>
#include <cmath>

#include "kernels/host/elements.hpp"
#include "kernels/host/index.hpp"
#include "kernels/host/spatial.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

//! One axis that changes.
struct ResizeAxis {
    std::int64_t input = 0, output = 0;
    float scale = 1.0f;
    float length = 0.0f; // of the output before it was rounded to whole elements
    float begin = 0.0f, end = 1.0f;

    [[nodiscard]] bool changes() const { return input != output || scale != 1.0f || begin != 0.0f || end != 1.0f; }
};

struct ResizeMode {
    std::string kind, coordinates, rounding;
    float cubic = -0.75f, extrapolation = 0.0f;
    bool antialias = false, exclude_outside = false;
};

ResizeMode read_mode(const Call& call) {
    const AttributeSet& a = call.attributes();
    const bool old = a.integer("opset", 11) < 11; // no attributes but the mode: asymmetric, rounded down
    ResizeMode mode{a.text("mode", "nearest"), a.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel"),
                    a.text("nearest_mode", old ? "floor" : "round_prefer_floor")};
    mode.kind = mode.kind == "bilinear" ? "linear" : mode.kind == "bicubic" ? "cubic" : mode.kind;
    mode.cubic = static_cast<float>(a.real("cubic_coeff_a", -0.75));
    mode.extrapolation = static_cast<float>(a.real("extrapolation_value", 0.0));
    mode.antialias = a.flag("antialias");
    mode.exclude_outside = a.flag("exclude_outside");
    if (mode.kind != "nearest" && mode.kind != "linear" && mode.kind != "cubic") {
        call.fail("has the mode '", mode.kind, "'; nearest, linear and cubic are allowed.");
    }
    return mode;
}

//! Where output element i lies in the input: the formulas of ONNX's coordinate_transformation_mode.
float source_position(const Call& call, const ResizeAxis& axis, const std::string& mode, std::int64_t i) {
    const auto x = static_cast<float>(i);
    const auto input = static_cast<float>(axis.input);
    if (mode == "half_pixel") {
        return (x + 0.5f) / axis.scale - 0.5f;
    }
    if (mode == "half_pixel_symmetric") {
        const float adjustment = static_cast<float>(axis.output) / axis.length;
        return input / 2.0f * (1.0f - adjustment) + (x + 0.5f) / axis.scale - 0.5f;
    }
    if (mode == "pytorch_half_pixel") {
        return axis.length > 1.0f ? (x + 0.5f) / axis.scale - 0.5f : 0.0f;
    }
    if (mode == "align_corners") {
        return axis.length == 1.0f ? 0.0f : x * (input - 1.0f) / (axis.length - 1.0f);
    }
    if (mode == "asymmetric") {
        return x / axis.scale;
    }
    if (mode == "tf_half_pixel_for_nn") {
        return (x + 0.5f) / axis.scale;
    }
    if (mode == "tf_crop_and_resize") {
        return axis.length > 1.0f ? axis.begin * (input - 1.0f) + x * (axis.end - axis.begin) * (input - 1.0f) / (axis.length - 1.0f)
                                  : 0.5f * (axis.begin + axis.end) * (input - 1.0f);
    }
    call.fail("has the coordinate transformation '", mode, "', which ONNX does not define.");
}

//! Input elements that make up one output element.
struct Taps {
    std::int64_t first = 0;
    std::vector<double> weights;
    bool extrapolates = false;
};

std::int64_t nearest(float x, const std::string& rounding) {
    const float at = rounding == "floor"               ? std::floor(x)
                     : rounding == "ceil"              ? std::ceil(x)
                     : rounding == "round_prefer_ceil" ? std::floor(x + 0.5f)
                                                       : std::ceil(x - 0.5f);
    return static_cast<std::int64_t>(at);
}

double triangle(double x) { return std::max(1.0 - std::abs(x), 0.0); }

//! R. G. Keys, "Cubic convolution interpolation for digital image processing".
double keys(double x, double a) {
    x = std::abs(x);
    if (x <= 1.0) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2.0 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
}

//! The filter's weights around x. With antialiasing, the filter is as wide as the elements that it brings together.
Taps filter_taps(const ResizeAxis& axis, const ResizeMode& mode, double x) {
    const bool cubic = mode.kind == "cubic";
    const double shrink = mode.antialias ? std::min(static_cast<double>(axis.scale), 1.0) : 1.0;
    const double support = (cubic ? 2.0 : 1.0) / shrink;
    Taps taps;
    taps.first = static_cast<std::int64_t>(std::floor(x - support)) + 1;
    const auto last = static_cast<std::int64_t>(std::ceil(x + support)) - 1;
    double sum = 0.0;
    for (std::int64_t at = taps.first; at <= last; ++at) {
        const double distance = (static_cast<double>(at) - x) * shrink;
        const bool outside = mode.exclude_outside && (at < 0 || at >= axis.input);
        taps.weights.push_back(outside ? 0.0 : cubic ? keys(distance, static_cast<double>(mode.cubic)) : triangle(distance));
        sum += taps.weights.back();
    }
    for (double& weight : taps.weights) {
        weight = sum == 0.0 ? 0.0 : weight / sum;
    }
    return taps;
}

Taps taps_of(const Call& call, const ResizeAxis& axis, const ResizeMode& mode, std::int64_t i) {
    const float x = source_position(call, axis, mode.coordinates, i);
    Taps taps = mode.kind == "nearest" ? Taps{nearest(x, mode.rounding), {1.0}} : filter_taps(axis, mode, static_cast<double>(x));
    taps.extrapolates = mode.coordinates == "tf_crop_and_resize" && !(x >= 0.0f && x <= static_cast<float>(axis.input - 1));
    return taps;
}

//! Elements of one axis replaced by their resized ones; everything in double until the end.
std::vector<double> resize_axis(const Call& call, const std::vector<double>& x, Dims& dims, std::size_t axis, const ResizeAxis& sizes,
                                const ResizeMode& mode) {
    const std::int64_t inner = checked_volume(std::span(dims).subspan(axis + 1));
    const std::int64_t outer = checked_volume(std::span(dims).first(axis));
    dims[axis] = sizes.output;
    std::vector<double> y(static_cast<std::size_t>(checked_volume(dims)));
    for (std::int64_t i = 0; i < sizes.output; ++i) {
        const Taps taps = taps_of(call, sizes, mode, i);
        for (std::int64_t o = 0; o < outer; ++o) {
            for (std::int64_t j = 0; j < inner; ++j) {
                double sum = 0.0;
                for (std::size_t tap = 0; tap < taps.weights.size(); ++tap) {
                    const std::int64_t at = std::clamp<std::int64_t>(taps.first + static_cast<std::int64_t>(tap), 0, sizes.input - 1);
                    sum += taps.weights[tap] * x[static_cast<std::size_t>((o * sizes.input + at) * inner + j)];
                }
                y[static_cast<std::size_t>((o * sizes.output + i) * inner + j)] = taps.extrapolates ? static_cast<double>(mode.extrapolation) : sum;
            }
        }
    }
    return y;
}

//! The axes that roi, scales and sizes speak of.
std::vector<std::size_t> named_axes(const Call& call, std::size_t rank) {
    std::vector<std::size_t> out;
    for (const std::int64_t axis : call.attributes().integers("axes")) {
        out.push_back(checked_axis(call, axis, rank));
    }
    for (std::size_t axis = 0; axis < rank && !call.attributes().has("axes"); ++axis) {
        out.push_back(axis);
    }
    return out;
}

const Tensor* given(const Call& call, std::size_t input) {
    const Tensor* tensor = call.optional_input(input);
    return tensor == nullptr || tensor->volume() == 0 ? nullptr : tensor;
}

void check_count(const Call& call, const Tensor* numbers, std::size_t count, const char* what) {
    if (numbers != nullptr && numbers->volume() != static_cast<std::int64_t>(count)) {
        call.fail("has ", numbers->volume(), " ", what, " for ", count, " axes.");
    }
}

void set_scale(const Call& call, ResizeAxis& axis, float scale) {
    constexpr double kLargest = 1e9;
    axis.scale = scale;
    axis.length = scale * static_cast<float>(axis.input);
    if (!(scale > 0.0f) || !(static_cast<double>(axis.length) < kLargest)) {
        call.fail("has the scale ", scale, " for an axis of ", axis.input, " elements.");
    }
    axis.output = static_cast<std::int64_t>(std::floor(axis.length));
}

//! One scale for all axes that keeps the picture's proportions inside (or around) the sizes that were asked for.
void keep_proportions(const Call& call, std::vector<ResizeAxis>& axes, const std::vector<std::size_t>& named, bool larger) {
    float scale = axes[named.front()].scale;
    for (const std::size_t axis : named) {
        scale = larger ? std::max(scale, axes[axis].scale) : std::min(scale, axes[axis].scale);
    }
    for (const std::size_t axis : named) {
        set_scale(call, axes[axis], scale);
        axes[axis].output = static_cast<std::int64_t>(std::floor(axes[axis].length + 0.5f));
    }
}

std::vector<ResizeAxis> read_axes(const Call& call, const Dims& dims) {
    std::vector<ResizeAxis> axes;
    for (const std::int64_t extent : dims) {
        axes.push_back({extent, extent, 1.0f, static_cast<float>(extent)});
    }
    const bool old = call.attributes().integer("opset", 11) < 11; // inputs: x, scales
    const std::vector<std::size_t> named = named_axes(call, dims.size());
    const Tensor* roi = old ? nullptr : given(call, 1);
    const Tensor* scales = given(call, old ? 1 : 2);
    const Tensor* sizes = old ? nullptr : given(call, 3);
    check_count(call, scales, named.size(), "scales");
    check_count(call, sizes, named.size(), "sizes");
    check_count(call, roi, 2 * named.size(), "numbers of a region");
    if ((scales == nullptr) == (sizes == nullptr)) {
        call.fail("needs either scales or sizes.");
    }
    const bool crops = call.attributes().text("coordinate_transformation_mode") == "tf_crop_and_resize";
    for (std::size_t i = 0; i < named.size(); ++i) {
        ResizeAxis& axis = axes[named[i]];
        const auto place = static_cast<std::int64_t>(i);
        if (scales != nullptr) {
            set_scale(call, axis, static_cast<float>(scales->get(place)));
        } else {
            axis.output = sizes->get_integer(place);
            if (axis.output < 0) {
                call.fail("has the extent ", axis.output, "; extents must not be negative.");
            }
            axis.length = static_cast<float>(axis.output);
            axis.scale = axis.length / static_cast<float>(axis.input);
        }
        if (roi != nullptr && crops) {
            axis.begin = static_cast<float>(roi->get(place));
            axis.end = static_cast<float>(roi->get(place + static_cast<std::int64_t>(named.size())));
        }
    }
    const std::string policy = call.attributes().text("keep_aspect_ratio_policy", "stretch");
    if (sizes != nullptr && policy != "stretch" && !named.empty()) {
        keep_proportions(call, axes, named, policy == "not_smaller");
    }
    return axes;
}

} // namespace

//! Inputs: x, roi, scales, sizes; before operator set 11, and for Upsample: x, scales.
void resize_with_data(Call& call) {
    const Tensor& x = call.input(0);
    const ResizeMode mode = read_mode(call);
    const std::vector<ResizeAxis> axes = read_axes(call, x.dims);
    std::vector<double> values(static_cast<std::size_t>(x.volume()));
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = x.get(static_cast<std::int64_t>(i));
    }
    Dims dims = x.dims;
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
        if (axes[axis].changes()) {
            if (axes[axis].input == 0 && axes[axis].output > 0) {
                call.fail("makes ", axes[axis].output, " elements from none.");
            }
            values = resize_axis(call, values, dims, axis, axes[axis], mode);
        }
    }
    Tensor& y = call.output(0, x.dtype, dims);
    for (std::size_t i = 0; i < values.size(); ++i) {
        y.set(static_cast<std::int64_t>(i), x.dtype == DataType::kFLOAT ? values[i] : std::nearbyint(values[i]));
    }
}

} // namespace tensorvk::kernels::host
