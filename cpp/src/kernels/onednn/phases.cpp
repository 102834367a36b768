#include "kernels/onednn/phases.hpp"

#include "support/checked.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using Triple = ConvolutionProblem::Triple;

// Along an axis, output o = s q + a takes w[k] x[i] where i s + k - pre = o. With a + pre = s c + r that is k = r + s j, i = q + c - j.
struct Axis {
    std::int64_t stride = 1, taps = 1, pre = 0; // of the transposed one

    [[nodiscard]] std::int64_t most_per_phase() const { return (taps + stride - 1) / stride; }
    [[nodiscard]] std::int64_t least_shift() const { return pre / stride; }
    [[nodiscard]] std::int64_t window() const { return (stride - 1 + pre) / stride - least_shift() + most_per_phase(); }
    [[nodiscard]] std::int64_t padding() const { return most_per_phase() - 1 - least_shift(); }
    //! The tap that window element `t` of phase `a` holds, or -1.
    [[nodiscard]] std::int64_t tap(std::int64_t a, std::int64_t t) const {
        const std::int64_t j = (a + pre) / stride - least_shift() + most_per_phase() - 1 - t;
        const std::int64_t k = (a + pre) % stride + stride * j;
        return j >= 0 && k < taps ? k : -1;
    }
};

Axis axis_of(const ConvolutionProblem& p, std::size_t a) { return {p.stride[a], p.kernel[a], p.pre[a]}; }

constexpr std::int64_t volume(const Triple& extents) { return extents[0] * extents[1] * extents[2]; }

} // namespace

std::optional<Phases> phases_of(const ConvolutionProblem& p) {
    if (p.dilation != Triple{1, 1, 1} || (p.groups > 1 && volume(p.stride) > 1)) return std::nullopt;
    Phases out{p, volume(p.stride)};
    out.forward.transposed = false;
    out.forward.out_channels = checked_mul(p.out_channels, out.count);
    out.forward.stride = {1, 1, 1};
    for (std::size_t a = 0; a < 3; ++a) {
        const Axis axis = axis_of(p, a);
        if (p.y[a] % axis.stride != 0 || axis.padding() < 0) return std::nullopt;
        out.forward.kernel[a] = axis.window();
        out.forward.pre[a] = axis.padding();
        out.forward.y[a] = p.y[a] / axis.stride;
    }
    return out;
}

namespace {

//! By batch, then position and phase of each axis, then channel. `position`, `phase`: strides.
dnnl::memory::desc view(const ConvolutionProblem& forward, const ConvolutionProblem& transposed, std::int64_t batch, const Triple& position, const Triple& phase,
                        std::int64_t channel, ConvolutionProblem::Type type) {
    dnnl::memory::dims dims, strides;
    const auto axis = [&](std::int64_t extent, std::int64_t stride) {
        if (extent == 1) return;
        dims.push_back(extent);
        strides.push_back(stride);
    };
    axis(transposed.batch, batch);
    for (std::size_t a = 0; a < 3; ++a) {
        axis(forward.y[a], position[a]);
        axis(transposed.stride[a], phase[a]);
    }
    dims.push_back(transposed.out_channels); // also where it is 1: a view has an axis
    strides.push_back(channel);
    return strided(dims, strides, type);
}

} // namespace

dnnl::memory::desc Phases::result_view(const ConvolutionProblem& transposed, ConvolutionProblem::Type type) const {
    const Triple& s = transposed.stride;
    const std::int64_t width = forward.out_channels, channels = transposed.out_channels;
    const Triple position{forward.y[1] * forward.y[2] * width, forward.y[2] * width, width};
    return view(forward, transposed, forward.positions() * width, position, {s[1] * s[2] * channels, s[2] * channels, channels}, 1, type);
}

dnnl::memory::desc Phases::output_view(const ConvolutionProblem& transposed, ConvolutionProblem::Type type) const {
    const std::int64_t step = transposed.y_last ? transposed.out_channels : 1;
    const Triple phase{transposed.y[1] * transposed.y[2] * step, transposed.y[2] * step, step};
    Triple position{};
    for (std::size_t a = 0; a < 3; ++a) position[a] = phase[a] * transposed.stride[a];
    return view(forward, transposed, transposed.positions() * transposed.out_channels, position, phase, transposed.y_last ? 1 : transposed.positions(), type);
}

std::vector<float> Phases::weights(const ConvolutionProblem& p, const float* given) const {
    const std::int64_t out_group = p.out_channels / p.groups, in_group = p.in_channels / p.groups, taps = volume(p.kernel), window = volume(forward.kernel);
    std::vector<float> out(static_cast<std::size_t>(forward.weight_elements()));
    const std::array<Axis, 3> axes{axis_of(p, 0), axis_of(p, 1), axis_of(p, 2)};
    const auto unfold = [](std::int64_t index, const Triple& extents) {
        return Triple{index / (extents[1] * extents[2]), index / extents[2] % extents[1], index % extents[2]};
    };
    float* to = out.data();
    for (std::int64_t phase = 0; phase < count; ++phase) {
        const Triple a = unfold(phase, p.stride);
        for (std::int64_t channel = 0; channel < p.out_channels; ++channel) {
            for (std::int64_t in = 0; in < in_group; ++in) {
                // ONNX: [in_channels, out_channels / groups, taps].
                const float* from = given + ((channel / out_group * in_group + in) * out_group + channel % out_group) * taps;
                for (std::int64_t element = 0; element < window; ++element) {
                    const Triple t = unfold(element, forward.kernel);
                    const Triple k{axes[0].tap(a[0], t[0]), axes[1].tap(a[1], t[1]), axes[2].tap(a[2], t[2])};
                    const bool held = k[0] >= 0 && k[1] >= 0 && k[2] >= 0;
                    *to++ = held ? from[(k[0] * p.kernel[1] + k[1]) * p.kernel[2] + k[2]] : 0.0f;
                }
            }
        }
    }
    return out;
}

} // namespace tensorvk::kernels::cpu
