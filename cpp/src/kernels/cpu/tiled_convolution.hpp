// A convolution as its tiles see it; its weights, packed for them, and the rows that blocks of output positions gather of the input.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/cpu/convolution_epilogue.hpp"
#include "kernels/cpu/panels.hpp"

namespace tensorvk::kernels::cpu {

template <typename A>
struct ConvolutionWeights {
    std::vector<Numbers<typename A::In>> phases; // by phase: panels of one group after the other, or rows of channels for each tap
};

template <typename A>
struct TiledConvolution {
    using Source = typename A::Source;
    using In = typename A::In;
    using Sum = typename A::Sum;

    explicit TiledConvolution(const ConvolutionShape& given) : shape(given), phases(phases_of(given)) {}

    ConvolutionShape shape;
    std::vector<Phase> phases;
    const Source* x = nullptr;
    Bytes x_bytes;
    SecondFactor<A> weights;
    const Sum* bias = nullptr;
    std::unique_ptr<Epilogue> epilogue;
    std::shared_ptr<ConvolutionWeights<A>> packed; // made when the step is prepared, or, where weights are no constants, in each run
    std::int64_t rows = 1;              // of a block
    std::int64_t columns = 1;           // of a block: all, or some panels of the only group
    std::int64_t column_blocks = 1;
    std::vector<std::int64_t> first_block; // of each phase, and of what would come after the last

    [[nodiscard]] bool depthwise() const {
        return shape.groups > 1 && shape.group_in() == 1 && shape.group_out() == 1 && shape.in_last;
    }
    [[nodiscard]] Panels<A> panels(const Phase& phase) const { return {phase.taps() * shape.group_in(), shape.group_out()}; }
    //! Rows of the input as it lies.
    [[nodiscard]] bool reads_in_place(const Phase& phase) const {
        if (!std::is_same_v<A, Floats> || !shape.in_last || phase.taps() != 1) return false;
        for (std::size_t a = 0; a < 3; ++a) {
            const AxisPhase& axis = phase.axes[a];
            if (axis.step != 1 || axis.taps[0].offset != 0 || axis.positions != shape.in[a]) return false;
        }
        return true;
    }
    [[nodiscard]] bool sums_in_place() const {
        return std::is_same_v<A, Floats> && shape.out_last && phases.size() == 1 && epilogue->sums_in_place() != nullptr;
    }
    //! The same of phases, with nothing to be done afterwards: a line of theirs lies in the output with other phases' positions in between.
    [[nodiscard]] bool lines_in_place() const {
        return std::is_same_v<A, Floats> && shape.out_last && phases.size() > 1 && column_blocks == 1 && !depthwise() && epilogue->empty() && epilogue->sums_in_place() != nullptr;
    }
    //! Rows that are finished together and then go to places apart from each other.
    [[nodiscard]] bool rows_apart() const { return shape.out_last && phases.size() > 1 && column_blocks == 1 && !lines_in_place() && epilogue->same_everywhere(); }
    [[nodiscard]] std::int64_t deepest() const {
        std::int64_t most = 1;
        for (const Phase& phase : phases) most = std::max(most, panels(phase).padded_depth());
        return most;
    }
    [[nodiscard]] std::size_t gathered_bytes() const { return depthwise() ? 0 : scratch_bytes<In>(rows * deepest()); }
    [[nodiscard]] std::size_t sums_bytes() const { return sums_in_place() || lines_in_place() ? 0 : scratch_bytes<Sum>(rows * columns); }
    //! Sums of a channel's places one behind the other, or finished rows.
    [[nodiscard]] std::size_t turned_bytes() const {
        return !shape.out_last ? scratch_bytes<Sum>(rows) : rows_apart() ? scratch_bytes<std::byte>(rows * epilogue->row_bytes()) : 0;
    }
    [[nodiscard]] std::size_t block_bytes() const { return gathered_bytes() + sums_bytes() + turned_bytes(); }
};

//! use(tap in ONNX's order) for the taps of a phase in the order in which lines of the input are gathered.
template <typename Use>
void for_taps(const ConvolutionShape& shape, const Phase& phase, const Use& use) {
    for (const AxisPhase::Tap& z : phase.axes[0].taps) {
        for (const AxisPhase::Tap& y : phase.axes[1].taps) {
            for (const AxisPhase::Tap& x : phase.axes[2].taps) use((z.index * shape.kernel[1] + y.index) * shape.kernel[2] + x.index);
        }
    }
}

//! The depth runs over taps with all channels of each, as channels-last inputs lie; else over channels with all taps of each.
template <typename A>
[[nodiscard]] std::vector<std::int64_t> depth_rows(const ConvolutionShape& shape, const Phase& phase, std::int64_t group) {
    std::vector<std::int64_t> rows;
    const std::int64_t channels = shape.group_in();
    if (shape.in_last) {
        for_taps(shape, phase, [&](std::int64_t tap) {
            for (std::int64_t c = 0; c < channels; ++c) rows.push_back(shape.weight(group, c, tap));
        });
    } else {
        for (std::int64_t c = 0; c < channels; ++c) {
            for_taps(shape, phase, [&](std::int64_t tap) { rows.push_back(shape.weight(group, c, tap)); });
        }
    }
    return rows;
}

template <typename A>
void pack_phase(const TiledConvolution<A>& task, const Phase& phase, typename A::In* to) {
    const ConvolutionShape& shape = task.shape;
    if (task.depthwise()) {
        const SecondFactor<A> channels{task.weights.data, shape.taps(), task.weights.type, task.weights.bytes};
        for_taps(shape, phase, [&](std::int64_t tap) {
            channels.read(tap, shape.out_channels, to);
            to += shape.out_channels;
        });
        return;
    }
    const Panels<A> panels = task.panels(phase);
    for (std::int64_t group = 0; group < shape.groups; ++group) {
        const std::vector<std::int64_t> rows = depth_rows<A>(shape, phase, group);
        for (std::int64_t panel = 0; panel < panels.count(); ++panel) {
            panels.pack(
                task.weights, panel, [&](std::int64_t k) { return rows[static_cast<std::size_t>(k)]; },
                to + group * panels.numbers() + panels.offset(panel));
        }
    }
}

template <typename A>
[[nodiscard]] ConvolutionWeights<A>* memory_for_weights(const TiledConvolution<A>& task) {
    auto made = std::make_unique<ConvolutionWeights<A>>();
    for (const Phase& phase : task.phases) {
        const std::int64_t numbers =
            task.depthwise() ? phase.taps() * task.shape.out_channels : checked_mul(task.shape.groups, task.panels(phase).numbers());
        made->phases.emplace_back(static_cast<std::size_t>(numbers));
    }
    return made.release();
}

template <typename A>
void pack(const TiledConvolution<A>& task, ConvolutionWeights<A>& to) {
    for (std::size_t p = 0; p < task.phases.size(); ++p) pack_phase(task, task.phases[p], to.phases[p].data());
}

//! `taps` neighbouring places from `place` on of a line of `extent` places of `each` elements; 0 outside.
template <typename A>
void gather_neighbours(const TiledConvolution<A>& task, const typename A::Source* line, std::int64_t place, std::int64_t taps, std::int64_t extent,
                       std::int64_t each, typename A::In* to) {
    const std::int64_t low = std::clamp<std::int64_t>(-place, 0, taps), high = std::clamp<std::int64_t>(extent - place, low, taps);
    std::fill_n(to, low * each, typename A::In{0});
    if (high > low) widen(line + (place + low) * each, 1, (high - low) * each, task.x_bytes, to + low * each);
    std::fill_n(to + high * each, (taps - high) * each, typename A::In{0});
}

//! What `n` positions of a line of the phase read of one line of the input (null: of padding). `each` elements lie side by side at a place,
//! `apart` elements from those of the next place.
template <typename A>
void gather_line(const TiledConvolution<A>& task, const AxisPhase& axis, const typename A::Source* line, std::int64_t q, std::int64_t n,
                 std::int64_t each, std::int64_t apart, typename A::In* to, std::int64_t stride) {
    const auto taps = static_cast<std::int64_t>(axis.taps.size());
    const std::int64_t extent = task.shape.in[2];
    for (std::int64_t i = 0; i < n; ++i, to += stride) {
        const std::int64_t base = (q + i) * axis.step;
        if (line == nullptr) {
            std::fill_n(to, taps * each, typename A::In{0});
        } else if (axis.neighbours && apart == each) {
            const std::int64_t place = base + axis.taps[0].offset;
            if (each == 1 && place >= 0 && place + taps <= extent) { // a few numbers: not worth a call
                for (std::int64_t t = 0; t < taps; ++t) widen(line + place + t, 0, 1, task.x_bytes, to + t);
            } else {
                gather_neighbours(task, line, place, taps, extent, each, to);
            }
        } else {
            for (std::int64_t t = 0; t < taps; ++t) {
                const std::int64_t place = base + axis.taps[static_cast<std::size_t>(t)].offset;
                if (place < 0 || place >= extent) {
                    std::fill_n(to + t * each, each, typename A::In{0});
                } else {
                    widen(line + place * apart, 1, each, task.x_bytes, to + t * each);
                }
            }
        }
    }
}

//! Rows of `n` positions from q on of image `image`, `stride` numbers apart.
template <typename A>
void gather(const TiledConvolution<A>& task, const Phase& phase, std::int64_t image, const Triple& q, std::int64_t n, std::int64_t group,
            typename A::In* to, std::int64_t stride) {
    const ConvolutionShape& shape = task.shape;
    const AxisPhase& last = phase.axes[2];
    if (last.taps.empty()) return;
    const std::int64_t channels = shape.group_in(), each = shape.in_last ? channels : 1, apart = shape.in_last ? shape.in_channels : 1;
    for (std::int64_t c = 0; c < (shape.in_last ? 1 : channels); ++c) {
        const std::int64_t channel = group * channels + c;
        const std::int64_t first =
            shape.in_last ? image * shape.in_plane() * shape.in_channels + channel : (image * shape.in_channels + channel) * shape.in_plane();
        for (const AxisPhase::Tap& z : phase.axes[0].taps) {
            const std::int64_t depth = q[0] * phase.axes[0].step + z.offset;
            for (const AxisPhase::Tap& y : phase.axes[1].taps) {
                const std::int64_t height = q[1] * phase.axes[1].step + y.offset;
                const bool inside = depth >= 0 && depth < shape.in[0] && height >= 0 && height < shape.in[1];
                const typename A::Source* line = inside ? task.x + first + (depth * shape.in[1] + height) * shape.in[2] * apart : nullptr;
                gather_line(task, last, line, q[2], n, each, apart, to, stride);
                to += static_cast<std::int64_t>(last.taps.size()) * each;
            }
        }
    }
}

template <typename A>
[[nodiscard]] FirstFactor<A> rows_of_block(const TiledConvolution<A>& task, const Phase& phase, std::int64_t first, std::int64_t count,
                                           std::int64_t group, typename A::In* memory) {
    if constexpr (std::is_same_v<A, Floats>) {
        if (task.reads_in_place(phase))
            return {task.x + first * task.shape.in_channels + group * task.shape.group_in(), task.shape.in_channels, count};
    }
    const Panels<A> panels = task.panels(phase);
    const std::int64_t stride = panels.padded_depth();
    for_lines(phase, first, first + count, [&](std::int64_t image, const Triple& q, std::int64_t n, std::int64_t before) {
        gather(task, phase, image, q, n, group, memory + before * stride, stride);
    });
    for (std::int64_t row = 0; row < count && stride > panels.depth; ++row) memory[(row + 1) * stride - 1] = 0;
    return {memory, stride, count};
}

} // namespace tensorvk::kernels::cpu
