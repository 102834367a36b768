// Convolution of integers: exact sums, then (QLinearConv) one rounding.
#include "kernels/host/quantized.hpp"
#include "kernels/host/window.hpp"

namespace tensorvk::kernels::host {

namespace {

//! A kernel's zero point, or its scale: one, or one per map.
std::vector<std::int64_t> per_map(const Call& call, const Tensor* parameter, const Correlation& c) {
    if (parameter == nullptr || parameter->volume() == 1) {
        return {};
    }
    if (parameter->volume() != c.maps) {
        call.fail("has ", parameter->volume(), " scales or zero points for a kernel with ", c.maps, " maps.");
    }
    std::vector<std::int64_t> dims(c.window.size() + 2, 1);
    dims[0] = c.maps;
    return dims;
}

//! Sums in int64: those of int8 products fit into int32 but for windows beyond 33,000 elements.
std::vector<std::int64_t> integer_sums(const Call& call, const Correlation& c, std::size_t x, std::size_t x_zero, std::size_t w,
                                       std::size_t w_zero) {
    const Tensor* kernel_zero = call.optional_input(w_zero);
    const std::vector<std::int32_t> data = centred(call, call.input(x), x_zero);
    const std::vector<std::int32_t> kernel = centred(call, call.input(w), kernel_zero, per_map(call, kernel_zero, c));
    return correlate<std::int32_t, std::int64_t>(c, data, kernel);
}

} // namespace

void conv_integer(Call& call) {
    const Correlation c = read_correlation(call, call.input(0).dims, call.input(1).dims);
    const std::vector<std::int64_t> sums = integer_sums(call, c, 0, 2, 1, 3);
    const auto y = call.output(0, DataType::kINT32, c.output_dims()).as<std::int32_t>();
    std::ranges::transform(sums, y.begin(), [](std::int64_t sum) { return static_cast<std::int32_t>(sum); });
}

void qlinear_conv(Call& call) {
    const Correlation c = read_correlation(call, call.input(0).dims, call.input(3).dims);
    const std::vector<std::int64_t> sums = integer_sums(call, c, 0, 2, 3, 5);
    const Tensor& kernel_scale = call.input(4);
    const bool scale_per_map = !per_map(call, &kernel_scale, c).empty();
    const float x_scale = one_scale(call, 1);
    const float y_scale = one_scale(call, 6);
    const std::int32_t y_zero = one_zero_point(call, 7);
    const Tensor* bias = call.optional_input(8);
    if (bias != nullptr && bias->volume() != c.maps) {
        call.fail("has a bias of ", bias->volume(), " elements for ", c.maps, " maps.");
    }
    Tensor& y = call.output(0, call.has_input(7) ? call.input(7).dtype : DataType::kUINT8, c.output_dims());
    const std::int64_t plane = checked_volume(output_extents(c.window));
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(sums.size()); ++i) {
        const std::int64_t map = i / plane % c.maps;
        const std::int64_t sum = sums[static_cast<std::size_t>(i)] + (bias == nullptr ? 0 : bias->get_integer(map));
        const float factor = x_scale * static_cast<float>(kernel_scale.get(scale_per_map ? map : 0)) / y_scale;
        set_quantized(y, i, static_cast<float>(sum) * factor, y_zero);
    }
}

} // namespace tensorvk::kernels::host
