// Sampling an image or a volume between its pixels: GridSample and AffineGrid.
#include <array>
#include <algorithm>
#include <cmath>

#include "kernels/host/index.hpp"
#include "kernels/host/spatial.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

enum class Padding { kZeros, kBorder, kReflection };
enum class Mode { kNearest = 1, kLinear = 2, kCubic = 4 }; // number of pixels along an axis

//! What lies on one axis: pixels 0 to extent - 1, between borders that reflect.
struct Axis {
    std::int64_t extent = 0;
    double low = 0.0, high = 0.0;

    //! Back and forth between the borders until inside.
    [[nodiscard]] double reflected(double x) const {
        const double range = high - low;
        if (range <= 0.0) {
            return 0.0;
        }
        const double distance = x < low ? low - x : x > high ? x - high : -1.0;
        if (distance < 0.0) {
            return x;
        }
        const double folds = std::floor(distance / range);
        const double rest = distance - folds * range;
        const bool even = std::fmod(folds, 2.0) == 0.0;
        return (x < low) == even ? low + rest : high - rest;
    }
    [[nodiscard]] double clamped(double x) const { return std::min(std::max(x, 0.0), static_cast<double>(extent - 1)); }
};

//! Pixels along one axis and their weights; -1 is a pixel outside, which is 0.
struct Taps {
    std::array<std::int64_t, 4> at{};
    std::array<double, 4> weight{};
    std::size_t count = 0;
};

//! R. G. Keys, "Cubic convolution interpolation for digital image processing", with a = -0.75.
std::array<double, 4> cubic_weights(double t) {
    constexpr double a = -0.75;
    const auto near = [](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
    const auto far = [](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
    return {far(t + 1), near(t), near(1 - t), far(2 - t)};
}

std::int64_t pixel(const Axis& axis, std::int64_t at, Padding padding) {
    if (at >= 0 && at < axis.extent) {
        return at;
    }
    switch (padding) {
    case Padding::kZeros: return -1;
    case Padding::kBorder: return static_cast<std::int64_t>(axis.clamped(static_cast<double>(at)));
    case Padding::kReflection: break;
    }
    return static_cast<std::int64_t>(axis.clamped(axis.reflected(static_cast<double>(at))));
}

//! Coordinates that no image has (NaN too) are far outside.
double bounded(double x) {
    constexpr double kFar = 1e15;
    return std::isnan(x) ? -kFar : std::min(std::max(x, -kFar), kFar);
}

//! `given` from -1 to 1 over the axis.
Taps taps_at(const Axis& axis, double given, bool align_corners, Mode mode, Padding padding) {
    const auto extent = static_cast<double>(axis.extent);
    double x = bounded(align_corners ? (given + 1) / 2 * (extent - 1) : ((given + 1) * extent - 1) / 2);
    if (mode == Mode::kNearest) {
        x = std::nearbyint(x);
    }
    // Cubic taps are clamped one by one, as PyTorch and ONNX Runtime do: clamping the place first would make a step in the picture.
    const bool by_tap = mode == Mode::kCubic && padding == Padding::kBorder;
    if (!by_tap && (x < axis.low || x > axis.high)) {
        x = padding == Padding::kBorder ? axis.clamped(x) : padding == Padding::kReflection ? axis.reflected(x) : x;
    }
    Taps taps;
    taps.count = static_cast<std::size_t>(mode);
    const double below = mode == Mode::kNearest ? std::trunc(x) : std::floor(x);
    const std::int64_t first = static_cast<std::int64_t>(below) - (mode == Mode::kCubic ? 1 : 0);
    const double t = x - below;
    taps.weight = mode == Mode::kCubic ? cubic_weights(t) : std::array{mode == Mode::kNearest ? 1.0 : 1.0 - t, t, 0.0, 0.0};
    for (std::size_t i = 0; i < taps.count; ++i) {
        taps.at[i] = pixel(axis, first + static_cast<std::int64_t>(i), padding);
    }
    return taps;
}

//! Weighted pixels over the axes from `axis` on; `offset` is what the axes before add.
double interpolate(std::span<const float> plane, const std::vector<Taps>& taps, const Dims& strides, std::size_t axis, std::int64_t offset) {
    if (axis == taps.size()) {
        return static_cast<double>(plane[static_cast<std::size_t>(offset)]);
    }
    double sum = 0.0;
    for (std::size_t i = 0; i < taps[axis].count; ++i) {
        if (taps[axis].at[i] >= 0) {
            sum += taps[axis].weight[i] * interpolate(plane, taps, strides, axis + 1, offset + taps[axis].at[i] * strides[axis]);
        }
    }
    return sum;
}

Mode read_mode(const Call& call) {
    const std::string mode = call.attributes().text("mode", "linear");
    if (mode == "linear" || mode == "bilinear") {
        return Mode::kLinear;
    }
    if (mode == "cubic" || mode == "bicubic") {
        return Mode::kCubic;
    }
    if (mode != "nearest") {
        call.fail("has the mode '", mode, "'; nearest, linear and cubic are allowed.");
    }
    return Mode::kNearest;
}

Padding read_padding(const Call& call) {
    const std::string mode = call.attributes().text("padding_mode", "zeros");
    if (mode == "border") {
        return Padding::kBorder;
    }
    if (mode == "reflection") {
        return Padding::kReflection;
    }
    if (mode != "zeros") {
        call.fail("has the padding '", mode, "'; zeros, border and reflection are allowed.");
    }
    return Padding::kZeros;
}

} // namespace

//! x [N, C, spatial...] at the places of a grid [N, places..., axes], whose last axis counts x's axes from the last one.
void grid_sample(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& grid = call.input(1);
    const std::size_t rank = x.dims.size() < 3 ? 0 : x.dims.size() - 2;
    if (rank == 0 || grid.dims.size() != x.dims.size() || grid.dims.front() != x.dims.front() || grid.dims.back() != static_cast<std::int64_t>(rank)) {
        call.fail("needs x [N, C, spatial axes] and a grid [N, places, number of spatial axes].");
    }
    const Mode mode = read_mode(call);
    const Padding padding = read_padding(call);
    const bool align = call.attributes().flag("align_corners");
    const auto spatial = std::span(x.dims).subspan(2);
    const Dims strides = row_major_strides(spatial);
    std::vector<Axis> axes;
    for (const std::int64_t extent : spatial) {
        const auto size = static_cast<double>(extent);
        axes.push_back({extent, align ? 0.0 : -0.5, align ? size - 1 : size - 0.5});
    }
    Dims dims(grid.dims.begin(), grid.dims.end() - 1);
    dims.insert(dims.begin() + 1, x.dims[1]);
    const auto y = call.output(0, DataType::kFLOAT, dims).as<float>();
    const auto plane = static_cast<std::size_t>(checked_volume(spatial));
    const auto places = static_cast<std::size_t>(checked_volume(std::span(dims).subspan(2)));
    if (plane == 0 && !y.empty()) {
        call.fail("samples from an image without elements.");
    }
    const auto channels = static_cast<std::size_t>(x.dims[1]);
    std::vector<Taps> taps(rank);
    for (std::size_t place = 0; place < places * static_cast<std::size_t>(x.dims[0]); ++place) {
        for (std::size_t axis = 0; axis < rank; ++axis) {
            const auto given = static_cast<double>(grid.as<float>()[place * rank + rank - 1 - axis]);
            taps[axis] = taps_at(axes[axis], given, align, mode, padding);
        }
        for (std::size_t c = 0; c < channels; ++c) {
            const std::size_t map = place / places * channels + c;
            y[map * places + place % places] = static_cast<float>(interpolate(x.as<float>().subspan(map * plane, plane), taps, strides, 0, 0));
        }
    }
}

namespace {

//! Pixel `i` of `extent` as a number from -1 to 1.
double normalized(std::int64_t i, std::int64_t extent, bool align_corners) {
    if (align_corners) {
        return extent == 1 ? 0.0 : -1.0 + 2.0 * static_cast<double>(i) / static_cast<double>(extent - 1);
    }
    return (2.0 * static_cast<double>(i) + 1.0) / static_cast<double>(extent) - 1.0;
}

} // namespace

//! theta [N, axes, axes + 1] applied to (x, y, [z,] 1) of every pixel of the size [N, C, spatial...].
void affine_grid(Call& call) {
    const Tensor& theta = call.input(0);
    const Tensor& size = call.input(1);
    const std::int64_t rank = size.volume() - 2;
    if ((rank != 2 && rank != 3) || theta.dims != Dims{size.get_integer(0), rank, rank + 1}) {
        call.fail("needs a size [N, C, H, W] or [N, C, D, H, W] and theta [N, axes, axes + 1].");
    }
    Dims spatial;
    for (std::int64_t i = 2; i < size.volume(); ++i) {
        spatial.push_back(size.get_integer(i));
    }
    const bool align = call.attributes().flag("align_corners");
    Dims dims = spatial;
    dims.insert(dims.begin(), theta.dims[0]);
    dims.push_back(rank);
    const auto grid = call.output(0, DataType::kFLOAT, dims).as<float>();
    std::size_t to = 0;
    for (std::int64_t n = 0; n < theta.dims[0]; ++n) {
        for (Odometer at(spatial); at.valid(); at.next()) {
            for (std::int64_t row = 0; row < rank; ++row, ++to) {
                const std::int64_t first = (n * rank + row) * (rank + 1);
                double sum = theta.get(first + rank);
                for (std::int64_t column = 0; column < rank; ++column) {
                    const auto axis = static_cast<std::size_t>(rank - 1 - column);
                    sum += theta.get(first + column) * normalized(at.index()[axis], spatial[axis], align);
                }
                grid[to] = static_cast<float>(sum);
            }
        }
    }
}

} // namespace tensorvk::kernels::host
