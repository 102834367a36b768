// Windows that slide over the spatial axes of [N, C, spatial...] tensors, as ONNX's attributes describe them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

//! One spatial axis.
struct WindowAxis {
    std::int64_t input = 0, kernel = 1, stride = 1, dilation = 1, pre = 0, post = 0, output = 0;

    //! Where in the input tap `tap` of the window at `out` lies; outside [0, input) is padding.
    [[nodiscard]] std::int64_t at(std::int64_t out, std::int64_t tap) const noexcept { return out * stride - pre + tap * dilation; }
    //! Elements that the window reaches over.
    [[nodiscard]] std::int64_t reach() const noexcept { return (kernel - 1) * dilation + 1; }
};

using Window = std::vector<WindowAxis>;

//! Reads strides, dilations, pads, auto_pad and ceil_mode for a window of `kernel` over the spatial axes of `dims`.
[[nodiscard]] Window read_window(const Call& call, std::span<const std::int64_t> dims, std::span<const std::int64_t> kernel);
//! A list attribute with one number per axis, each at least `smallest`; `otherwise` when it is absent.
[[nodiscard]] std::vector<std::int64_t> per_axis(const Call& call, const char* name, std::size_t count, std::int64_t otherwise,
                                                 std::int64_t smallest);

[[nodiscard]] inline std::vector<std::int64_t> input_extents(const Window& window) {
    std::vector<std::int64_t> out;
    std::ranges::transform(window, std::back_inserter(out), [](const WindowAxis& axis) { return axis.input; });
    return out;
}
[[nodiscard]] inline std::vector<std::int64_t> kernel_extents(const Window& window) {
    std::vector<std::int64_t> out;
    std::ranges::transform(window, std::back_inserter(out), [](const WindowAxis& axis) { return axis.kernel; });
    return out;
}
[[nodiscard]] inline std::vector<std::int64_t> output_extents(const Window& window) {
    std::vector<std::int64_t> out;
    std::ranges::transform(window, std::back_inserter(out), [](const WindowAxis& axis) { return axis.output; });
    return out;
}

//! x [N, C, spatial...] and kernel [M, C / groups, spatial...], with the sizes checked.
struct Correlation {
    Window window;
    std::int64_t batch = 0, channels = 0, maps = 0, groups = 1;

    [[nodiscard]] std::vector<std::int64_t> output_dims() const {
        std::vector<std::int64_t> dims = {batch, maps};
        for (const WindowAxis& axis : window) {
            dims.push_back(axis.output);
        }
        return dims;
    }
};
//! The sizes of a convolution with ONNX's attributes.
[[nodiscard]] Correlation read_correlation(const Call& call, std::span<const std::int64_t> x, std::span<const std::int64_t> kernel);

//! Adds one tap of one channel to a map: to[o] += weight * from[position of the tap], for all windows where that is inside.
template <typename Value, typename Sum>
void add_tap(std::span<Sum> to, std::span<const Value> from, Sum weight, const Window& window, std::span<const std::int64_t> tap) {
    const std::vector<std::int64_t> output = output_extents(window);
    const std::vector<std::int64_t> input = input_extents(window);
    const std::vector<std::int64_t> strides = row_major_strides(input);
    const WindowAxis& last = window.back();
    const std::size_t outer = window.size() - 1;
    const std::int64_t first_position = last.at(0, tap[outer]);
    const std::int64_t begin = first_position >= 0 ? 0 : (-first_position + last.stride - 1) / last.stride;
    const std::int64_t room = last.input - first_position;
    const std::int64_t end = std::min(last.output, room <= 0 ? 0 : (room + last.stride - 1) / last.stride);
    std::int64_t row = 0;
    const std::span<const std::int64_t> rows(output.data(), outer);
    for (Odometer index(rows); index.valid(); index.next(), row += last.output) {
        std::int64_t base = first_position;
        bool inside = true;
        for (std::size_t axis = 0; axis < outer; ++axis) {
            const std::int64_t at = window[axis].at(index.index()[axis], tap[axis]);
            inside = inside && at >= 0 && at < window[axis].input;
            base += at * strides[axis];
        }
        for (std::int64_t o = begin; inside && o < end; ++o) {
            to[static_cast<std::size_t>(row + o)] += weight * static_cast<Sum>(from[static_cast<std::size_t>(base + o * last.stride)]);
        }
    }
}

//! Sums over channels and taps of x * kernel, row-major [N, M, spatial...].
template <typename Value, typename Sum>
[[nodiscard]] std::vector<Sum> correlate(const Correlation& c, std::span<const Value> x, std::span<const Value> kernel) {
    const std::vector<std::int64_t> taps = kernel_extents(c.window);
    const auto plane = static_cast<std::size_t>(checked_volume(input_extents(c.window)));
    const auto out_plane = static_cast<std::size_t>(checked_volume(output_extents(c.window)));
    const std::int64_t depth = c.channels / c.groups;
    std::vector<Sum> out(static_cast<std::size_t>(checked_volume(c.output_dims())));
    for (std::int64_t map = 0; map < c.batch * c.maps && out_plane > 0; ++map) {
        const std::int64_t n = map / c.maps;
        const std::int64_t m = map % c.maps;
        const std::int64_t first = m / (c.maps / c.groups) * depth;
        std::size_t weight = static_cast<std::size_t>(m * depth * checked_volume(taps));
        for (std::int64_t channel = 0; channel < depth; ++channel) {
            const auto from = x.subspan(static_cast<std::size_t>(n * c.channels + first + channel) * plane, plane);
            for (Odometer tap(taps); tap.valid(); tap.next(), ++weight) {
                add_tap(std::span(out).subspan(static_cast<std::size_t>(map) * out_plane, out_plane), from,
                        static_cast<Sum>(kernel[weight]), c.window, tap.index());
            }
        }
    }
    return out;
}

} // namespace tensorvk::kernels::host
