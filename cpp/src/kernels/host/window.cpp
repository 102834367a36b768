#include "kernels/host/window.hpp"

#include <string>

namespace tensorvk::kernels::host {

namespace {

constexpr std::int64_t kLargest = 1 << 20; // no real window comes near; keeps products far from overflow

//! Writes padding and extent of the output for auto_pad SAME_*.
void pad_same(WindowAxis& axis, bool upper) {
    axis.output = (axis.input + axis.stride - 1) / axis.stride;
    const std::int64_t total = std::max<std::int64_t>((axis.output - 1) * axis.stride + axis.reach() - axis.input, 0);
    const std::int64_t smaller = total / 2;
    axis.pre = upper ? smaller : total - smaller;
    axis.post = total - axis.pre;
}

void set_output(const Call& call, WindowAxis& axis, bool ceil) {
    const std::int64_t room = axis.input + axis.pre + axis.post - axis.reach();
    if (room < 0) {
        call.fail("has a window that reaches over ", axis.reach(), " elements of an axis that has ", axis.input, " and ",
                  axis.pre + axis.post, " of padding.");
    }
    axis.output = (ceil ? room + axis.stride - 1 : room) / axis.stride + 1;
    if (ceil && axis.post + axis.stride > axis.reach()) { // a last window that would begin in the padding behind the data does not count
        axis.output = std::min(axis.output, (axis.input + axis.pre + axis.stride - 1) / axis.stride);
    }
}

} // namespace

std::vector<std::int64_t> per_axis(const Call& call, const char* name, std::size_t count, std::int64_t otherwise, std::int64_t smallest) {
    std::vector<std::int64_t> out = call.attributes().integers(name);
    if (out.empty()) {
        out.assign(count, otherwise);
    }
    if (out.size() != count) {
        call.fail("has ", out.size(), " numbers in '", name, "'; it needs ", count, ".");
    }
    for (const std::int64_t value : out) {
        if (value < smallest || value > kLargest) {
            call.fail("has the number ", value, " in '", name, "'; allowed are ", smallest, " to ", kLargest, ".");
        }
    }
    return out;
}

Window read_window(const Call& call, std::span<const std::int64_t> dims, std::span<const std::int64_t> kernel) {
    const std::size_t count = kernel.size();
    if (count == 0 || dims.size() != count + 2) {
        call.fail("has a window of ", count, " axes; its input has ", dims.size(), " dimensions and needs two more than the window.");
    }
    const auto strides = per_axis(call, "strides", count, 1, 1);
    const auto dilations = per_axis(call, "dilations", count, 1, 1);
    const std::string mode = call.attributes().text("auto_pad", "NOTSET");
    const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
    const bool padded = mode == "NOTSET" || mode.empty();
    const auto pads = padded ? per_axis(call, "pads", 2 * count, 0, 0) : std::vector<std::int64_t>(2 * count, 0);
    Window window(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (kernel[i] < 1 || kernel[i] > kLargest) {
            call.fail("has a window of ", kernel[i], " elements; allowed are 1 to ", kLargest, ".");
        }
        window[i] = {dims[i + 2], kernel[i], strides[i], dilations[i], pads[i], pads[i + count], 0};
        if (same) {
            pad_same(window[i], mode == "SAME_UPPER");
        } else {
            set_output(call, window[i], call.attributes().flag("ceil_mode"));
        }
    }
    return window;
}

Correlation read_correlation(const Call& call, std::span<const std::int64_t> x, std::span<const std::int64_t> kernel) {
    if (x.size() < 3 || kernel.size() != x.size()) {
        call.fail("needs an input [N, C, spatial axes] and a kernel with as many dimensions; they have ", x.size(), " and ", kernel.size(), ".");
    }
    Correlation c{read_window(call, x, kernel.subspan(2)), x[0], x[1], kernel[0], call.attributes().integer("group", 1)};
    if (c.groups < 1 || c.maps % c.groups != 0 || c.channels % c.groups != 0 || kernel[1] * c.groups != c.channels) {
        call.fail("has ", c.groups, " groups for ", c.channels, " channels, ", c.maps, " maps and a kernel over ", kernel[1], " channels.");
    }
    return c;
}

} // namespace tensorvk::kernels::host
