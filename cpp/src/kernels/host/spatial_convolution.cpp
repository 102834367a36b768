// Convolutions whose kernel is data, and their relatives.
#include <cmath>

#include "kernels/host/elements.hpp"
#include "kernels/host/spatial.hpp"
#include "kernels/host/window.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

//! Row-major position of `at`; nothing when it lies outside.
bool inside(const Dims& at, const Dims& dims, const Dims& strides, std::int64_t& offset) {
    offset = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
        if (at[i] < 0 || at[i] >= dims[i]) {
            return false;
        }
        offset += at[i] * strides[i];
    }
    return true;
}

void check_bias(const Call& call, std::size_t input, std::int64_t maps) {
    if (call.has_input(input) && call.input(input).volume() != maps) {
        call.fail("has a bias of ", call.input(input).volume(), " elements for ", maps, " maps.");
    }
}

//! Sums and bias as the result.
void write_maps(Call& call, const Dims& dims, std::span<const double> sums, const Tensor* bias) {
    const auto y = call.output(0, DataType::kFLOAT, dims).as<float>();
    const std::int64_t plane = checked_volume(std::span(dims).subspan(2));
    for (std::size_t i = 0; i < y.size(); ++i) {
        const std::int64_t map = static_cast<std::int64_t>(i) / plane % dims[1];
        y[i] = static_cast<float>(sums[i] + (bias == nullptr ? 0.0 : bias->get(map)));
    }
}

//! Extent and padding of one axis of a transposed convolution, by the formulas of ONNX's ConvTranspose.
void set_transposed(WindowAxis& axis, const std::string& mode, std::int64_t asked, std::int64_t output_padding) {
    const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
    const std::int64_t full = (axis.input - 1) * axis.stride + output_padding + axis.reach();
    if (asked <= 0 && !same) {
        axis.output = full - axis.pre - axis.post;
        return;
    }
    axis.output = asked > 0 ? asked : axis.input * axis.stride;
    const std::int64_t total = std::max<std::int64_t>(full - axis.output, 0);
    axis.pre = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    axis.post = total - axis.pre;
}

Window read_transposed_window(const Call& call, const Dims& x, const Dims& kernel) {
    const std::size_t count = x.size() - 2;
    const auto strides = per_axis(call, "strides", count, 1, 1);
    const auto dilations = per_axis(call, "dilations", count, 1, 1);
    const auto pads = per_axis(call, "pads", 2 * count, 0, 0);
    const auto added = per_axis(call, "output_padding", count, 0, 0);
    const auto asked = per_axis(call, "output_shape", count, 0, 0);
    Window window(count);
    for (std::size_t i = 0; i < count; ++i) {
        window[i] = {x[i + 2], kernel[i + 2], strides[i], dilations[i], pads[i], pads[i + count], 0};
        set_transposed(window[i], call.attributes().text("auto_pad", "NOTSET"), asked[i], added[i]);
        if (window[i].output < 0) {
            call.fail("would have an output of ", window[i].output, " elements on spatial axis ", i, ".");
        }
    }
    return window;
}

} // namespace

void convolution_with_data(Call& call) {
    const Tensor& x = call.input(0);
    const Correlation c = read_correlation(call, x.dims, call.input(1).dims);
    check_bias(call, 2, c.maps);
    write_maps(call, c.output_dims(), correlate<float, double>(c, x.as<float>(), call.input(1).as<float>()), call.optional_input(2));
}

//! Every input element adds its multiple of the kernel [C, M / groups, spatial...] to the output.
void transposed_convolution_with_data(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& w = call.input(1);
    const std::int64_t groups = call.attributes().integer("group", 1);
    if (x.dims.size() < 3 || w.dims.size() != x.dims.size() || groups < 1 || w.dims[0] != x.dims[1] || x.dims[1] % groups != 0) {
        call.fail("needs an input [N, C, spatial axes] and a kernel [C, M / groups, spatial axes]; C has to be a multiple of the groups (", groups, ").");
    }
    const Window window = read_transposed_window(call, x.dims, w.dims);
    const std::int64_t maps = checked_mul(w.dims[1], groups);
    check_bias(call, 2, maps);
    Dims dims = output_extents(window);
    const Dims strides = row_major_strides(dims);
    const std::int64_t out_plane = checked_volume(dims);
    dims.insert(dims.begin(), {x.dims[0], maps});
    std::vector<double> sums(static_cast<std::size_t>(checked_volume(dims)), 0.0);
    const Dims spatial = output_extents(window);
    Dims at(window.size());
    std::int64_t element = 0;
    const auto values = x.as<float>();
    const auto kernel = w.as<float>();
    const Dims taps = kernel_extents(window);
    const std::int64_t volume = checked_volume(taps);
    for (std::int64_t plane = 0; plane < x.dims[0] * x.dims[1]; ++plane) {
        const std::int64_t channel = plane % x.dims[1];
        const std::int64_t first_map = plane / x.dims[1] * maps + channel / (x.dims[1] / groups) * w.dims[1];
        for (Odometer from(input_extents(window)); from.valid(); from.next(), ++element) {
            const auto value = static_cast<double>(values[static_cast<std::size_t>(element)]);
            std::int64_t tap_index = 0;
            for (Odometer tap(taps); tap.valid(); tap.next(), ++tap_index) {
                for (std::size_t i = 0; i < window.size(); ++i) {
                    at[i] = window[i].at(from.index()[i], tap.index()[i]);
                }
                std::int64_t to = 0;
                if (!inside(at, spatial, strides, to)) {
                    continue;
                }
                for (std::int64_t m = 0; m < w.dims[1]; ++m) {
                    sums[static_cast<std::size_t>((first_map + m) * out_plane + to)] +=
                        value * static_cast<double>(kernel[static_cast<std::size_t>((channel * w.dims[1] + m) * volume + tap_index)]);
                }
            }
        }
    }
    write_maps(call, dims, sums, call.optional_input(2));
}

//! Columns [N, C * taps, windows] summed up where windows overlap.
void columns_to_image(Call& call) {
    const Tensor& x = call.input(0);
    const Dims image = numbers_of(call.input(1));
    const Dims block = numbers_of(call.input(2));
    Dims dims = image;
    dims.insert(dims.begin(), {0, 0});
    const Window window = read_window(call, dims, block);
    const std::int64_t taps = checked_volume(block);
    const std::int64_t windows = checked_volume(output_extents(window));
    if (x.dims.size() != 3 || x.dims[1] % taps != 0 || x.dims[2] != windows) {
        call.fail("needs an input [N, a multiple of ", taps, ", ", windows, "].");
    }
    dims[0] = x.dims[0];
    dims[1] = x.dims[1] / taps;
    const Dims strides = row_major_strides(image);
    const std::int64_t plane = checked_volume(image);
    std::vector<double> sums(static_cast<std::size_t>(checked_volume(dims)), 0.0);
    Dims at(window.size());
    std::int64_t element = 0;
    for (std::int64_t map = 0; map < dims[0] * dims[1]; ++map) {
        for (Odometer tap(block); tap.valid(); tap.next()) {
            for (Odometer out(output_extents(window)); out.valid(); out.next(), ++element) {
                for (std::size_t i = 0; i < window.size(); ++i) {
                    at[i] = window[i].at(out.index()[i], tap.index()[i]);
                }
                if (std::int64_t to = 0; inside(at, image, strides, to)) {
                    sums[static_cast<std::size_t>(map * plane + to)] += x.get(element);
                }
            }
        }
    }
    Tensor& y = call.output(0, x.dtype, dims);
    for (std::size_t i = 0; i < sums.size(); ++i) {
        y.set(static_cast<std::int64_t>(i), sums[i]);
    }
}

namespace {

//! Linear interpolation between the pixels of a plane [height, width]; outside it is 0.
double bilinear(std::span<const float> plane, std::int64_t height, std::int64_t width, double y, double x) {
    if (!(y > -1.0 && y < static_cast<double>(height) && x > -1.0 && x < static_cast<double>(width))) {
        return 0.0;
    }
    const auto top = static_cast<std::int64_t>(std::floor(y));
    const auto left = static_cast<std::int64_t>(std::floor(x));
    const double down = y - static_cast<double>(top);
    const double right = x - static_cast<double>(left);
    const auto pixel = [&](std::int64_t row, std::int64_t column) {
        const bool in = row >= 0 && row < height && column >= 0 && column < width;
        return in ? static_cast<double>(plane[static_cast<std::size_t>(row * width + column)]) : 0.0;
    };
    return (1 - down) * ((1 - right) * pixel(top, left) + right * pixel(top, left + 1)) +
           down * ((1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1));
}

} // namespace

//! Inputs: x [N, C, H, W], kernel [M, C / group, kh, kw], offsets [N, groups * kh * kw * 2, oh, ow] (y, then x) [, bias [, mask]].
void deformable_convolution(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& w = call.input(1);
    const Tensor& offset = call.input(2);
    const Tensor* bias = call.optional_input(3);
    const Tensor* mask = call.optional_input(4);
    const Correlation c = read_correlation(call, x.dims, w.dims);
    const std::int64_t offset_groups = call.attributes().integer("offset_group", 1);
    if (c.window.size() != 2 || offset_groups < 1 || c.channels % offset_groups != 0) {
        call.fail("needs images [N, C, H, W], and C has to be a multiple of its ", offset_groups, " groups of offsets.");
    }
    const WindowAxis& rows = c.window[0];
    const WindowAxis& columns = c.window[1];
    const std::int64_t taps = rows.kernel * columns.kernel;
    const std::int64_t plane = rows.output * columns.output;
    check_bias(call, 3, c.maps);
    if (offset.dims != Dims{c.batch, offset_groups * taps * 2, rows.output, columns.output} ||
        (mask != nullptr && mask->dims != Dims{c.batch, offset_groups * taps, rows.output, columns.output})) {
        call.fail("needs offsets of the shape [", c.batch, ", ", offset_groups * taps * 2, ", ", rows.output, ", ", columns.output,
                  "] and a mask with half as many channels.");
    }
    const std::int64_t depth = c.channels / c.groups;
    const std::int64_t maps = c.maps / c.groups;
    const auto values = x.as<float>();
    const auto kernel = w.as<float>();
    const Dims dims = c.output_dims();
    std::vector<double> sums(static_cast<std::size_t>(checked_volume(dims)), 0.0);
    for (std::int64_t image_plane = 0; image_plane < c.batch * c.channels; ++image_plane) {
        const std::int64_t n = image_plane / c.channels;
        const std::int64_t channel = image_plane % c.channels;
        const std::int64_t group = channel / depth;
        const auto pixels = values.subspan(static_cast<std::size_t>(image_plane * rows.input * columns.input),
                                           static_cast<std::size_t>(rows.input * columns.input));
        const std::int64_t first = n * offset_groups + channel / (c.channels / offset_groups);
        for (std::int64_t tap = 0; tap < taps; ++tap) {
            for (std::int64_t o = 0; o < plane; ++o) {
                const std::int64_t place = (first * taps + tap) * 2 * plane + o;
                const double y_at = static_cast<double>(rows.at(o / columns.output, tap / columns.kernel)) + offset.get(place);
                const double x_at = static_cast<double>(columns.at(o % columns.output, tap % columns.kernel)) + offset.get(place + plane);
                const double factor = mask == nullptr ? 1.0 : mask->get((first * taps + tap) * plane + o);
                const double value = factor * bilinear(pixels, rows.input, columns.input, y_at, x_at);
                for (std::int64_t m = group * maps; m < (group + 1) * maps; ++m) {
                    sums[static_cast<std::size_t>((n * c.maps + m) * plane + o)] +=
                        value * static_cast<double>(kernel[static_cast<std::size_t>((m * depth + channel % depth) * taps + tap)]);
                }
            }
        }
    }
    write_maps(call, dims, sums, bias);
}

} // namespace tensorvk::kernels::host
