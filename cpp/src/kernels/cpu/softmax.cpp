// cpu/softmax: exp(x - max) / sum of that along one axis, or its logarithm. The step is that of softmax/generic; see
// shaders/softmax/rows.comp. Rows are handled several at a time, so that the exponential gets hundreds of numbers at once.
#include <cmath>
#include <limits>
#include <memory>

#include "kernels/cpu/bfloat.hpp"
#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/chunk.hpp"
#include "kernels/cpu/rows.hpp"
#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kColumns = 128; // neighbouring rows at a time
constexpr std::int64_t kGrain = 4096;  // elements worth a thread
constexpr float kLowest = -std::numeric_limits<float>::infinity();

template <typename In, typename Out>
struct Task {
    Rows rows;
    const In* x = nullptr;
    Out* y = nullptr;
    RowStrides along;
    bool log = false;
};

template <typename Element>
constexpr Word word_of() { return std::is_same_v<Element, float> ? Word::kF32 : Word::kBF16; }

class Exponential {
public:
    //! `out` may be `in`; at most kChunk numbers.
    void operator()(const float* in, float* out, std::int64_t n) {
        task_.count = static_cast<int>(n);
        task_.value = in;
        task_.out = out;
        apply_.run(task_);
    }

    explicit Exponential(ChunkMemory<float>& memory) {
        task_.slots = &slot_;
        task_.slot_count = 1;
        task_.memory = &memory;
    }
    Exponential(const Exponential&) = delete; // points into itself
    Exponential& operator=(const Exponential&) = delete;

private:
    PointwiseSlot slot_{PointwiseOp::kEXP, {}, {}, {}, 0.0f};
    ChunkTask<float> task_;
    const ChunkFunctions<float>& apply_ = chunks<float>();
};

//! NaN is passed over: the differences bring it in.
float larger(float a, float b) { return b > a ? b : a; }

template <typename Element>
float largest_of(const Element* x, std::int64_t n, std::int64_t stride) {
    float lanes[kLanes];
    std::fill_n(lanes, kLanes, kLowest);
    std::int64_t i = 0;
    for (; stride == 1 && i + kLanes <= n; i += kLanes) {
        for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] = larger(lanes[l], number(x[i + l]));
    }
    for (; i < n; ++i) lanes[0] = larger(lanes[0], number(x[i * stride]));
    return *std::max_element(lanes, lanes + kLanes);
}

float sum_of(const float* x, std::int64_t n) {
    float lanes[kLanes] = {};
    std::int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += x[i + l];
    }
    for (; i < n; ++i) lanes[0] += x[i];
    for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
        for (std::int64_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
    }
    return lanes[0];
}

template <typename Element>
void subtract(const Element* x, std::int64_t stride, float amount, float* out, std::int64_t n) {
    if (stride == 1) {
        for (std::int64_t i = 0; i < n; ++i) out[i] = number(x[i]) - amount;
    } else {
        for (std::int64_t i = 0; i < n; ++i) out[i] = number(x[i * stride]) - amount;
    }
}

template <typename Element>
void store(const float* values, Element* y, std::int64_t stride, std::int64_t n) {
    if (stride == 1) {
        for (std::int64_t i = 0; i < n; ++i) y[i] = element_of<Element>(values[i]);
    } else {
        for (std::int64_t i = 0; i < n; ++i) y[i * stride] = element_of<Element>(values[i]);
    }
}

void multiply(float* y, float factor, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) y[i] *= factor;
}

//! A row that is longer than a chunk. Its exponentials wait for their sum in the output; bfloat16 would round them on the way, so they are
//! computed again.
template <typename In, typename Out>
void long_row(const Task<In, Out>& task, const In* x, Out* y, Exponential& exponential) {
    constexpr bool kWait = std::is_same_v<Out, float>;
    const std::int64_t length = task.rows.length;
    const float largest = largest_of(x, length, task.along.in);
    float values[kChunk];
    double sum = 0.0;
    const auto for_chunks = [&](auto use) {
        for (std::int64_t at = 0; at < length; at += kChunk) use(x + at * task.along.in, y + at * task.along.out, std::min<std::int64_t>(kChunk, length - at));
    };
    for_chunks([&](const In* from, Out* to, std::int64_t n) {
        subtract(from, task.along.in, largest, values, n);
        exponential(values, values, n);
        sum += static_cast<double>(sum_of(values, n));
        if (kWait && !task.log) store(values, to, task.along.out, n);
    });
    const float logarithm = std::log(static_cast<float>(sum)), factor = 1.0f / static_cast<float>(sum);
    for_chunks([&](const In* from, Out* to, std::int64_t n) {
        if (kWait && !task.log) {
            subtract(to, task.along.out, 0.0f, values, n);
        } else {
            subtract(from, task.along.in, largest, values, n);
            if (!task.log) exponential(values, values, n);
        }
        if (task.log) {
            subtract(values, 1, logarithm, values, n);
        } else {
            multiply(values, factor, n);
        }
        store(values, to, task.along.out, n);
    });
}

//! As many rows as a chunk takes, one after the other in it.
template <typename In, typename Out>
void short_rows(const Task<In, Out>& task, RowWalk& walk, std::int64_t rows, Exponential& exponential) {
    const std::int64_t length = task.rows.length;
    float differences[kChunk], values[kChunk];
    std::int64_t out[kChunk];
    for (std::int64_t r = 0; r < rows; ++r, walk.next()) {
        const In* x = task.x + walk.in;
        subtract(x, task.along.in, largest_of(x, length, task.along.in), differences + r * length, length);
        out[r] = walk.out;
    }
    exponential(differences, values, rows * length);
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = values + r * length;
        const float sum = sum_of(row, length);
        if (task.log) {
            subtract(differences + r * length, 1, std::log(sum), row, length);
        } else {
            multiply(row, 1.0f / sum, length);
        }
        store(row, task.y + out[r], task.along.out, length);
    }
}

template <typename In, typename Out>
void along_rows(const Task<In, Out>& task, std::int64_t first, std::int64_t last) {
    static thread_local ChunkMemory<float> memory;
    Exponential exponential(memory);
    RowWalk walk(task.rows.kept, task.rows.kept.size(), first);
    if (task.rows.length > kChunk) {
        for (std::int64_t row = first; row < last; ++row, walk.next()) long_row(task, task.x + walk.in, task.y + walk.out, exponential);
        return;
    }
    const std::int64_t at_once = kChunk / task.rows.length;
    for (std::int64_t row = first; row < last; row += at_once) short_rows(task, walk, std::min(at_once, last - row), exponential);
}

//! `width` neighbouring rows, element after element. Exponentials wait for their sums as in long_row().
template <typename In, typename Out>
void columns(const Task<In, Out>& task, const In* x, Out* y, std::int64_t width, Exponential& exponential) {
    constexpr bool kWait = std::is_same_v<Out, float>;
    float largest[kColumns], sum[kColumns] = {}, values[kColumns];
    std::fill_n(largest, kColumns, kLowest);
    for (std::int64_t i = 0; i < task.rows.length; ++i) {
        for (std::int64_t j = 0; j < width; ++j) largest[j] = larger(largest[j], number(x[i * task.along.in + j]));
    }
    const auto exponentials = [&](const In* from) {
        for (std::int64_t j = 0; j < width; ++j) values[j] = number(from[j]) - largest[j];
        exponential(values, values, width);
    };
    for (std::int64_t i = 0; i < task.rows.length; ++i) {
        exponentials(x + i * task.along.in);
        for (std::int64_t j = 0; j < width; ++j) sum[j] += values[j];
        if (kWait && !task.log) store(values, y + i * task.along.out, 1, width);
    }
    for (std::int64_t j = 0; j < width; ++j) sum[j] = task.log ? std::log(sum[j]) : 1.0f / sum[j];
    for (std::int64_t i = 0; i < task.rows.length; ++i) {
        const In* from = x + i * task.along.in;
        Out* to = y + i * task.along.out;
        if (task.log) {
            for (std::int64_t j = 0; j < width; ++j) to[j] = element_of<Out>(number(from[j]) - largest[j] - sum[j]);
            continue;
        }
        if (!kWait) exponentials(from);
        for (std::int64_t j = 0; j < width; ++j) to[j] = element_of<Out>((kWait ? number(to[j]) : values[j]) * sum[j]);
    }
}

template <typename In, typename Out>
std::int64_t tiles(const Task<In, Out>& task) { return (task.rows.kept.back().extent + kColumns - 1) / kColumns; }

template <typename In, typename Out>
void along_columns(const Task<In, Out>& task, std::int64_t first, std::int64_t last) {
    static thread_local ChunkMemory<float> memory;
    Exponential exponential(memory);
    for (std::int64_t unit = first; unit < last; ++unit) {
        const RowWalk walk(task.rows.kept, task.rows.kept.size() - 1, unit / tiles(task));
        const std::int64_t column = unit % tiles(task) * kColumns;
        columns(task, task.x + walk.in + column, task.y + walk.out + column, std::min(kColumns, task.rows.kept.back().extent - column), exponential);
    }
}

//! Rows that lie one after the other, in input and output.
template <typename In, typename Out>
void dense_rows(const Task<In, Out>& task, std::int64_t first, std::int64_t last) {
    const std::int64_t length = task.rows.length;
    softmax_of_rows()({.in_type = word_of<In>(), .out_type = word_of<Out>(), .x = task.x + first * length, .y = task.y + first * length, .rows = last - first,
                       .length = length, .log = task.log});
}

template <typename In, typename Out>
Run prepare(const Launch& launch) {
    auto task = std::make_shared<Task<In, Out>>();
    task->rows = rows_of(launch);
    const Rows& rows = task->rows;
    task->along = row_strides(launch, rows);
    task->log = launch.geometry(3) != 0;
    if (rows.count == 0 || rows.length == 0) return [] {};
    task->x = launch.buffer<const In>(0, input_reach(rows));
    task->y = launch.buffer<Out>(1, output_reach(rows, rows.length, task->along.out));
    if (rows.side_by_side() && rows.kept.back().out == 1) {
        const std::int64_t units = rows.count / rows.kept.back().extent * tiles(*task);
        const std::int64_t grain = std::max<std::int64_t>(kGrain / kColumns / rows.length, 1);
        return [=] { spread(units, grain, [&](std::int64_t first, std::int64_t last) { along_columns(*task, first, last); }); };
    }
    const std::int64_t grain = std::max<std::int64_t>(kGrain / rows.length, 1);
    const RowAxis& kept = rows.kept.back();
    if (task->along.in == 1 && task->along.out == 1 && rows.kept.size() == 1 && kept.in == rows.length && kept.out == rows.length) {
        return [=] { spread(task->rows.count, grain, [&](std::int64_t first, std::int64_t last) { dense_rows(*task, first, last); }); };
    }
    return [=] { spread(task->rows.count, grain, [&](std::int64_t first, std::int64_t last) { along_rows(*task, first, last); }); };
}

} // namespace

Run prepare_softmax(const Launch& launch) { return prepare<float, float>(launch); }

//! Constant 4: which of input (bit 0) and output (bit 1) are bfloat16.
Run prepare_softmax_bf16(const Launch& launch) {
    const std::int32_t types = launch.geometry(4);
    if ((types & 1) == 0) return prepare<float, Bfloat>(launch);
    return (types & 2) == 0 ? prepare<Bfloat, float>(launch) : prepare<Bfloat, Bfloat>(launch);
}

} // namespace tensorvk::kernels::cpu
