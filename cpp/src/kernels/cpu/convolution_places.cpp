#include "kernels/cpu/convolution_places.hpp"

#include <algorithm>

namespace tensorvk::kernels::cpu {

ConvolutionShape::ConvolutionShape(const Launch& launch, bool is_transposed) : transposed(is_transposed) {
    const auto number = [&](std::size_t index, std::int64_t least) {
        const std::int64_t value = launch.param(index);
        if (value < least || value > std::numeric_limits<std::int32_t>::max()) {
            throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a convolution with ", value, " as parameter ", index,
                                   ": rebuild the plan."));
        }
        return value;
    };
    const auto triple = [&](std::size_t index, std::int64_t least) {
        return Triple{number(index, least), number(index + 1, least), number(index + 2, least)};
    };
    count = launch.param(0);
    out_channels = number(1, 1);
    out = triple(2, 1);
    in_channels = number(5, 0);
    in = triple(6, 0);
    groups = number(9, 1);
    kernel = triple(10, 1);
    stride = triple(13, 1);
    dilation = triple(16, 1);
    pre = triple(19, std::numeric_limits<std::int32_t>::min()); // negative padding cuts off
    in_last = launch.param(22) != 0;
    out_last = launch.param(23) != 0;
    const std::int64_t each = checked_mul(out_channels, checked_volume(out));
    if (in_channels % groups != 0 || out_channels % groups != 0 || count < 0 || count % each != 0) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has ", groups,
                               " groups of channels, or elements that its extents do not make: rebuild the plan."));
    }
    batch = count / each;
}

std::int64_t ConvolutionShape::in_elements() const { return checked_mul(checked_mul(batch, in_channels), checked_volume(in)); }
std::int64_t ConvolutionShape::weight_elements() const { return checked_mul(checked_mul(out_channels, group_in()), checked_volume(kernel)); }

namespace {

AxisPhase phase_of(const ConvolutionShape& shape, std::size_t axis, std::int64_t first) {
    const std::int64_t stride = shape.stride[axis], dilation = shape.dilation[axis], pre = shape.pre[axis];
    AxisPhase phase{.first = first, .spread = shape.transposed ? stride : 1, .step = shape.transposed ? 1 : stride, .taps = {}};
    phase.positions = (shape.out[axis] - first + phase.spread - 1) / phase.spread;
    for (std::int64_t k = 0; k < shape.kernel[axis]; ++k) {
        if (!shape.transposed) {
            phase.taps.push_back({k, k * dilation - pre});
        } else if ((first + pre - k * dilation) % stride == 0) {
            phase.taps.push_back({k, (first + pre - k * dilation) / stride});
        }
    }
    std::ranges::sort(phase.taps, {}, &AxisPhase::Tap::offset);
    for (std::size_t t = 1; t < phase.taps.size(); ++t) phase.neighbours = phase.neighbours && phase.taps[t].offset == phase.taps[t - 1].offset + 1;
    return phase;
}

} // namespace

std::vector<Phase> phases_of(const ConvolutionShape& shape) {
    std::array<std::vector<AxisPhase>, 3> axes;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t count = shape.transposed ? std::min(shape.stride[axis], shape.out[axis]) : 1;
        for (std::int64_t first = 0; first < count; ++first) axes[axis].push_back(phase_of(shape, axis, first));
    }
    std::vector<Phase> phases;
    for (const AxisPhase& depth : axes[0]) {
        for (const AxisPhase& height : axes[1]) {
            for (const AxisPhase& width : axes[2]) phases.push_back({{depth, height, width}});
        }
    }
    return phases;
}

} // namespace tensorvk::kernels::cpu
