// Where a convolution, or its transpose, reads and writes along its three spatial axes. Outputs of a transposed convolution with strides fall
// into phases, each of which reads its own taps, in steps of one: a convolution of its own. A convolution has one phase.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/cpu/kernel.hpp"
#include "kernels/cpu/spatial.hpp"

namespace tensorvk::kernels::cpu {

//! The parameters of convolution/generic and quantized/generic.
struct ConvolutionShape {
    std::int64_t count = 0, batch = 0, in_channels = 0, out_channels = 0, groups = 1;
    Triple in{}, out{}, kernel{}, stride{}, dilation{}, pre{};
    bool in_last = false, out_last = false, transposed = false;

    //! Throws InvalidPlan for what no convolution is.
    ConvolutionShape(const Launch& launch, bool is_transposed);

    [[nodiscard]] std::int64_t group_in() const { return in_channels / groups; }
    [[nodiscard]] std::int64_t group_out() const { return out_channels / groups; }
    [[nodiscard]] std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
    [[nodiscard]] std::int64_t in_plane() const { return in[0] * in[1] * in[2]; }
    [[nodiscard]] std::int64_t out_plane() const { return out[0] * out[1] * out[2]; }
    [[nodiscard]] std::int64_t in_elements() const;
    [[nodiscard]] std::int64_t weight_elements() const;
    //! Of output channel 0 of a group, input channel and tap: where the weight lies; and how far the next output channel's is.
    [[nodiscard]] std::int64_t weight(std::int64_t group, std::int64_t channel, std::int64_t tap) const {
        return (transposed ? (group * group_in() + channel) * group_out() : group * group_out() * group_in() + channel) * taps() + tap;
    }
    [[nodiscard]] std::int64_t weight_stride() const { return (transposed ? 1 : group_in()) * taps(); }
};

//! Output positions first, first + spread ... along one axis: number q reads q * step + offset for each tap, the taps in ascending order of
//! their offsets.
struct AxisPhase {
    struct Tap { std::int64_t index, offset; };
    std::int64_t first = 0, spread = 1, positions = 0, step = 1;
    std::vector<Tap> taps;
    bool neighbours = true; // taps read neighbouring positions
};

struct Phase {
    std::array<AxisPhase, 3> axes;

    [[nodiscard]] std::int64_t positions() const { return axes[0].positions * axes[1].positions * axes[2].positions; }
    [[nodiscard]] std::int64_t taps() const { return static_cast<std::int64_t>(axes[0].taps.size() * axes[1].taps.size() * axes[2].taps.size()); }
    //! Output position of phase position `q`, in the plane.
    [[nodiscard]] std::int64_t out_place(const ConvolutionShape& shape, const Triple& q) const {
        std::int64_t place = 0;
        for (std::size_t a = 0; a < 3; ++a) place = place * shape.out[a] + axes[a].first + q[a] * axes[a].spread;
        return place;
    }
};

[[nodiscard]] std::vector<Phase> phases_of(const ConvolutionShape& shape);

//! Positions of a phase in all images, `first` .. `last` - 1, cut where a line ends: use(image, position q of the first, how many along the
//! last axis, how many came before).
template <typename Use>
void for_lines(const Phase& phase, std::int64_t first, std::int64_t last, const Use& use) {
    const Triple extent{phase.axes[0].positions, phase.axes[1].positions, phase.axes[2].positions};
    for (std::int64_t at = first; at < last;) {
        const Place place(at, extent);
        const std::int64_t n = std::min(extent[2] - place.o[2], last - at);
        use(place.n, place.o, n, at - first);
        at += n;
    }
}

} // namespace tensorvk::kernels::cpu
