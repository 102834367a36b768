// cpu/tiled_convolution: convolutions and transposed ones in tiles of registers (tiles.hpp), of float32 or of 8-bit integers. The step is that
// of convolution/generic or quantized/generic, but for the bias of integers, which is bound as it is.
//
// A block of output positions gathers what it reads into rows, as a product of matrices wants them; windows of 1 read the input itself.
// Depthwise convolutions of channels-last tensors go along the channels instead.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/cpu/byte_types.hpp"
#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/tiled_convolution.hpp"
#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kGrain = 1 << 18;           // products worth a thread
constexpr std::int64_t kRowsTogether = 240;        // a multiple of the rows of every instruction set's tile
constexpr std::int64_t kNumbersTogether = 1 << 16; // gathered: what stays in the second cache
constexpr std::int64_t kLeastRows = 64;            // else the weights are read too often

template <typename A>
using Task = TiledConvolution<A>;

struct Block {
    std::int64_t first = 0, count = 0;    // positions of the phase
    std::int64_t column = 0, columns = 0; // output channels
};

template <typename A>
void multiply_block(const Task<A>& task, std::size_t p, const Block& block, std::byte* memory, typename A::Sum* sums, std::int64_t stride) {
    const Phase& phase = task.phases[p];
    const Panels<A> panels = task.panels(phase);
    const std::int64_t width = tiles<A>().width, group_out = task.shape.group_out();
    const bool some = task.column_blocks > 1; // of the only group's panels
    for (std::int64_t group = 0; group < task.shape.groups; ++group) {
        const FirstFactor<A> rows = rows_of_block(task, phase, block.first, block.count, group, reinterpret_cast<typename A::In*>(memory));
        const typename A::In* packed = task.packed->phases[p].data() + group * panels.numbers();
        const typename A::Sum* start = task.bias == nullptr ? nullptr : task.bias + group * group_out;
        const std::int64_t first_panel = some ? block.column / width : 0,
                           end = some ? (block.column + block.columns + width - 1) / width : panels.count();
        for (std::int64_t panel = first_panel; panel < end; ++panel) {
            typename A::Sum* to = sums + (some ? 0 : group * group_out) + (panel - first_panel) * width;
            multiply(rows, panels, panel, packed + panels.offset(panel), start, to, stride);
        }
    }
}

//! Sums of channels of their own at `n` positions from q on. All taps along the line are inside, or n is 1.
template <typename A>
void depthwise_run(const Task<A>& task, std::size_t p, std::int64_t image, const Triple& q, std::int64_t n, typename A::Sum* sums,
                   std::int64_t stride) {
    const ConvolutionShape& shape = task.shape;
    const Phase& phase = task.phases[p];
    constexpr std::int64_t kTapsTogether = 64;
    const typename A::Source* x[kTapsTogether];
    const typename A::In* w[kTapsTogether];
    const std::int64_t channels = shape.out_channels;
    ChannelTask<A> now{.x = x, .w = w, .flip = task.x_bytes.flip, .zero = task.x_bytes.zero, .start = task.bias, .out = sums, .channels = channels,
                       .positions = n, .x_stride = phase.axes[2].step * channels, .out_stride = stride};
    const auto flush = [&] {
        if (now.start == task.bias || n == 1) {
            tiles<A>().channels(now);
        } else { // each position goes on with a sum of its own
            for (std::int64_t i = 0; i < n; ++i) {
                ChannelTask<A> one = now;
                one.positions = 1;
                one.out = now.out + i * stride;
                one.start = one.out;
                tiles<A>().channels(one);
                for (std::int64_t tap = 0; tap < now.taps; ++tap) x[tap] += now.x_stride;
            }
        }
        now.start = now.out;
        now.taps = 0;
    };
    const typename A::In* weights = task.packed->phases[p].data();
    for (const AxisPhase::Tap& tz : phase.axes[0].taps) {
        const std::int64_t z = q[0] * phase.axes[0].step + tz.offset;
        for (const AxisPhase::Tap& ty : phase.axes[1].taps) {
            const std::int64_t y = q[1] * phase.axes[1].step + ty.offset;
            const bool inside = z >= 0 && z < shape.in[0] && y >= 0 && y < shape.in[1];
            const typename A::Source* line = inside ? task.x + ((image * shape.in[0] + z) * shape.in[1] + y) * shape.in[2] * channels : nullptr;
            for (const AxisPhase::Tap& tx : phase.axes[2].taps) {
                const std::int64_t place = q[2] * phase.axes[2].step + tx.offset;
                if (inside && place >= 0 && place < shape.in[2]) {
                    x[now.taps] = line + place * channels;
                    w[now.taps] = weights;
                    if (++now.taps == kTapsTogether) flush();
                }
                weights += channels;
            }
        }
    }
    if (now.taps > 0 || now.start == task.bias) flush();
}

template <typename A>
void depthwise_block(const Task<A>& task, std::size_t p, const Block& block, typename A::Sum* sums, std::int64_t stride) {
    const AxisPhase& axis = task.phases[p].axes[2];
    // Positions from `low` to `high` have all their taps inside.
    const std::int64_t first = axis.taps.empty() ? 0 : axis.taps.front().offset, last = axis.taps.empty() ? 0 : axis.taps.back().offset;
    const std::int64_t low = first >= 0 ? 0 : (-first + axis.step - 1) / axis.step;
    const std::int64_t high = task.shape.in[2] > last ? (task.shape.in[2] - 1 - last) / axis.step + 1 : 0;
    for_lines(task.phases[p], block.first, block.first + block.count, [&](std::int64_t image, Triple q, std::int64_t n, std::int64_t before) {
        for (const std::int64_t end = q[2] + n; q[2] < end;) {
            const std::int64_t run = q[2] >= low && q[2] < high ? std::min(high, end) - q[2] : 1;
            depthwise_run(task, p, image, q, run, sums + before * stride, stride);
            q[2] += run;
            before += run;
        }
    });
}

//! Sums of a block's positions, finished, to their places in the output: many small copies instead of many small calls.
template <typename A>
void finish_apart(const Task<A>& task, const Phase& phase, const Block& block, const typename A::Sum* sums, std::byte* finished) {
    const ConvolutionShape& shape = task.shape;
    const std::int64_t channels = shape.out_channels, bytes = task.epilogue->row_bytes(), step = phase.axes[2].spread * bytes;
    task.epilogue->rows_apart(sums, block.count * channels, finished);
    for_lines(phase, block.first, block.first + block.count, [&](std::int64_t image, const Triple& q, std::int64_t n, std::int64_t before) {
        std::byte* to = task.epilogue->row((image * shape.out_plane() + phase.out_place(shape, q)) * channels);
        for (std::int64_t i = 0; i < n; ++i, to += step) std::memcpy(to, finished + (before + i) * bytes, static_cast<std::size_t>(bytes));
    });
}

//! Sums of a block's positions to their places in the output.
template <typename A>
void finish_block(const Task<A>& task, const Phase& phase, const Block& block, const typename A::Sum* sums, std::int64_t stride, std::byte* memory) {
    const ConvolutionShape& shape = task.shape;
    if (task.rows_apart()) return finish_apart(task, phase, block, sums, memory);
    auto* turned = reinterpret_cast<typename A::Sum*>(memory);
    const std::int64_t channels = shape.out_channels, plane = shape.out_plane(), spread = phase.axes[2].spread;
    if (shape.out_last && task.phases.size() == 1 && block.columns == channels) {
        task.epilogue->along_channels(sums, block.first * channels, block.count * channels, 0);
        return;
    }
    for_lines(phase, block.first, block.first + block.count, [&](std::int64_t image, const Triple& q, std::int64_t n, std::int64_t before) {
        const std::int64_t place = phase.out_place(shape, q);
        if (shape.out_last) {
            for (std::int64_t i = 0; i < n; ++i) {
                const std::int64_t at = (image * plane + place + i * spread) * channels + block.column;
                task.epilogue->along_channels(sums + (before + i) * stride, at, block.columns, block.column);
            }
            return;
        }
        for (std::int64_t c = 0; c < block.columns; ++c) {
            for (std::int64_t i = 0; i < n; ++i) turned[i] = sums[(before + i) * stride + c];
            task.epilogue->along_places(turned, (image * channels + block.column + c) * plane + place, spread, n, block.column + c);
        }
    });
}

//! A phase's sums made where they lie in the output.
void run_lines(const Task<Floats>& task, std::size_t p, const Block& block, std::byte* memory) {
    const ConvolutionShape& shape = task.shape;
    const Phase& phase = task.phases[p];
    const std::int64_t channels = shape.out_channels, stride = phase.axes[2].spread * channels;
    for_lines(phase, block.first, block.first + block.count, [&](std::int64_t image, const Triple& q, std::int64_t n, std::int64_t before) {
        const std::int64_t at = (image * shape.out_plane() + phase.out_place(shape, q)) * channels;
        multiply_block(task, p, {.first = block.first + before, .count = n, .column = 0, .columns = channels}, memory, task.epilogue->sums_in_place() + at, stride);
    });
}

template <typename A>
void run_unit(const Task<A>& task, std::int64_t unit, std::byte* memory) {
    const std::int64_t at = unit / task.column_blocks;
    const auto p = static_cast<std::size_t>(std::ranges::upper_bound(task.first_block, at) - task.first_block.begin() - 1);
    const Phase& phase = task.phases[p];
    Block block{.first = (at - task.first_block[p]) * task.rows, .column = unit % task.column_blocks * task.columns};
    block.count = std::min(task.rows, task.shape.batch * phase.positions() - block.first);
    block.columns = std::min(task.columns, task.shape.out_channels - block.column);
    auto* sums = reinterpret_cast<typename A::Sum*>(memory + task.gathered_bytes());
    std::int64_t stride = block.columns;
    if constexpr (std::is_same_v<A, Floats>) {
        if (task.lines_in_place()) return run_lines(task, p, block, memory);
        if (task.sums_in_place()) {
            stride = task.shape.out_channels;
            sums = task.epilogue->sums_in_place() + block.first * stride + block.column;
        }
    }
    if (task.depthwise()) {
        depthwise_block(task, p, block, sums, stride);
    } else {
        multiply_block(task, p, block, memory, sums, stride);
    }
    finish_block(task, phase, block, sums, stride, memory + task.gathered_bytes() + task.sums_bytes());
}

//! Blocks: enough of them for all threads, gathered rows in the second cache.
template <typename A>
void cut(Task<A>& task) {
    const std::int64_t depth = task.depthwise() ? task.shape.out_channels : task.deepest(), threads = pieces_of(INT32_MAX, 1);
    std::int64_t positions = 0;
    for (const Phase& phase : task.phases) positions = std::max(positions, task.shape.batch * phase.positions());
    const std::int64_t most = std::clamp(kNumbersTogether / std::max<std::int64_t>(depth, 1), kLeastRows, kRowsTogether);
    const std::int64_t cuts_of_rows = (positions + most - 1) / most;
    task.rows = std::max<std::int64_t>((positions + cuts_of_rows - 1) / std::max<std::int64_t>(cuts_of_rows, 1), 1);
    task.columns = task.shape.out_channels;
    task.column_blocks = 1;
    std::int64_t blocks = 0;
    for (const Phase& phase : task.phases) {
        task.first_block.push_back(blocks);
        blocks += (task.shape.batch * phase.positions() + task.rows - 1) / task.rows;
    }
    task.first_block.push_back(blocks);
    if (task.shape.groups == 1 && blocks < threads) {
        const std::int64_t panels = task.panels(task.phases[0]).count();
        const std::int64_t cuts = std::clamp<std::int64_t>((threads + blocks - 1) / std::max<std::int64_t>(blocks, 1), 1, panels);
        task.columns = std::min(task.columns, (panels + cuts - 1) / cuts * tiles<A>().width);
        task.column_blocks = (task.shape.out_channels + task.columns - 1) / task.columns;
    }
}

//! All that the packed form depends on: pictures may change while weights do not. Of a transposed convolution an output smaller than the stride has fewer phases.
std::string weights_key(const ConvolutionShape& s) {
    std::string key = "weights";
    for (std::size_t axis = 0; axis < 3; ++axis) {
        key += text(":", s.kernel[axis], ":", s.stride[axis], ":", s.dilation[axis], ":", s.pre[axis], ":", s.transposed ? std::min(s.stride[axis], s.out[axis]) : 0);
    }
    return text(key, ":", s.in_channels, ":", s.out_channels, ":", s.groups, ":", s.in_last);
}

template <typename A>
Run prepare(const Launch& launch, std::shared_ptr<Task<A>> task) {
    task->x = launch.buffer<const typename A::Source>(0, task->shape.in_elements());
    const std::int64_t element = std::is_same_v<A, Floats> ? 4 : 1;
    task->weights.data = launch.buffer<const std::byte>(1, checked_mul(task->shape.weight_elements(), element));
    task->weights.stride = task->shape.weight_stride();
    const bool constant = launch.geometry(2) != 0;
    if (constant) {
        task->packed = launch.keep().template get<ConvolutionWeights<A>>(weights_key(task->shape), [&] {
            std::unique_ptr<ConvolutionWeights<A>> made(memory_for_weights(*task));
            pack(*task, *made);
            return made.release();
        });
    } else {
        task->packed = std::shared_ptr<ConvolutionWeights<A>>(memory_for_weights(*task));
    }
    cut(*task);
    const std::int64_t units = task->first_block.back() * task->column_blocks;
    const std::int64_t depth = task->depthwise() ? task->shape.taps() : task->deepest();
    const std::int64_t work = task->rows * task->columns * std::min(depth, kGrain);
    const std::int64_t grain = std::max<std::int64_t>(kGrain / std::max<std::int64_t>(work, 1), 1);
    const std::size_t bytes = task->block_bytes();
    return [=] {
        if (!constant) pack(*task, *task->packed);
        const Scratch memory(bytes * static_cast<std::size_t>(pieces_of(units, grain)));
        spread(units, grain, [&](std::int64_t first, std::int64_t last, int piece) {
            for (std::int64_t unit = first; unit < last; ++unit) run_unit(*task, unit, memory.data() + bytes * static_cast<std::size_t>(piece));
        });
    };
}

Run prepare_floats(const Launch& launch, bool transposed) {
    if (launch.param(0) == 0) return [] {};
    const ConvolutionShape shape(launch, transposed);
    auto task = std::make_shared<Task<Floats>>(shape);
    task->epilogue = std::make_unique<Epilogue>(convolution_epilogue(launch, shape, stored_type(launch), 0));
    if (launch.param(24) != 0) task->bias = launch.buffer<const float>(2, shape.out_channels);
    return prepare<Floats>(launch, std::move(task));
}

Run prepare_integers(const Launch& launch, bool transposed) {
    if (launch.param(0) == 0) return [] {};
    const ConvolutionShape shape(launch, transposed);
    const ByteTypes types = byte_types(launch, 24);
    auto task = std::make_shared<Task<Integers>>(shape);
    task->x_bytes = types.x;
    task->weights.bytes = types.weights;
    task->epilogue = std::make_unique<Epilogue>(convolution_epilogue(launch, shape, types.y, types.operands));
    if (launch.geometry(3) != 0) task->bias = launch.buffer<const std::int32_t>(2, shape.out_channels);
    return prepare<Integers>(launch, std::move(task));
}

} // namespace

Run prepare_tiled_convolution_f32(const Launch& launch) { return prepare_floats(launch, false); }
Run prepare_tiled_deconvolution_f32(const Launch& launch) { return prepare_floats(launch, true); }
Run prepare_tiled_convolution_int8(const Launch& launch) { return prepare_integers(launch, false); }
Run prepare_tiled_deconvolution_int8(const Launch& launch) { return prepare_integers(launch, true); }

} // namespace tensorvk::kernels::cpu
