// cpu/softmax: exp(x - max) / sum of that along one axis, or its logarithm. The step is that of softmax/generic; see
// shaders/softmax/rows.comp. Rows are handled several at a time, so that the exponential gets hundreds of numbers at once.
#include <cmath>
#include <limits>
#include <memory>

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

struct Task {
    Rows rows;
    const float* x = nullptr;
    float* y = nullptr;
    std::int64_t in = 1, out = 1; // strides along a row
    bool log = false;
};

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

float largest_of(const float* x, std::int64_t n, std::int64_t stride) {
    float lanes[kLanes];
    std::fill_n(lanes, kLanes, kLowest);
    std::int64_t i = 0;
    for (; stride == 1 && i + kLanes <= n; i += kLanes) {
        for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] = larger(lanes[l], x[i + l]);
    }
    for (; i < n; ++i) lanes[0] = larger(lanes[0], x[i * stride]);
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

void subtract(const float* x, std::int64_t stride, float amount, float* out, std::int64_t n) {
    if (stride == 1) {
        for (std::int64_t i = 0; i < n; ++i) out[i] = x[i] - amount;
    } else {
        for (std::int64_t i = 0; i < n; ++i) out[i] = x[i * stride] - amount;
    }
}

void store(const float* values, float* y, std::int64_t stride, std::int64_t n) {
    if (stride == 1) {
        std::copy_n(values, n, y);
    } else {
        for (std::int64_t i = 0; i < n; ++i) y[i * stride] = values[i];
    }
}

void multiply(float* y, std::int64_t stride, float factor, std::int64_t n) {
    if (stride == 1) {
        for (std::int64_t i = 0; i < n; ++i) y[i] *= factor;
    } else {
        for (std::int64_t i = 0; i < n; ++i) y[i * stride] *= factor;
    }
}

//! A row that is longer than a chunk.
void long_row(const Task& task, const float* x, float* y, Exponential& exponential) {
    const std::int64_t length = task.rows.length;
    const float largest = largest_of(x, length, task.in);
    float values[kChunk];
    double sum = 0.0;
    const auto for_chunks = [&](auto use) {
        for (std::int64_t at = 0; at < length; at += kChunk) {
            const std::int64_t n = std::min<std::int64_t>(kChunk, length - at);
            subtract(x + at * task.in, task.in, largest, values, n);
            use(at, n);
        }
    };
    for_chunks([&](std::int64_t at, std::int64_t n) {
        exponential(values, values, n);
        sum += static_cast<double>(sum_of(values, n));
        if (!task.log) store(values, y + at * task.out, task.out, n);
    });
    const float scale = task.log ? std::log(static_cast<float>(sum)) : 1.0f / static_cast<float>(sum);
    if (!task.log) {
        multiply(y, task.out, scale, length);
        return;
    }
    for_chunks([&](std::int64_t at, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i) values[i] -= scale;
        store(values, y + at * task.out, task.out, n);
    });
}

//! As many rows as a chunk takes, one after the other in it.
void short_rows(const Task& task, RowWalk& walk, std::int64_t rows, Exponential& exponential) {
    const std::int64_t length = task.rows.length;
    float differences[kChunk], values[kChunk];
    std::int64_t out[kChunk];
    for (std::int64_t r = 0; r < rows; ++r, walk.next()) {
        const float* x = task.x + walk.in;
        subtract(x, task.in, largest_of(x, length, task.in), differences + r * length, length);
        out[r] = walk.out;
    }
    exponential(differences, values, rows * length);
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = values + r * length;
        const float sum = sum_of(row, length);
        if (task.log) {
            subtract(differences + r * length, 1, std::log(sum), row, length);
        } else {
            multiply(row, 1, 1.0f / sum, length);
        }
        store(row, task.y + out[r], task.out, length);
    }
}

void along_rows(const Task& task, std::int64_t first, std::int64_t last) {
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

//! `width` neighbouring rows, element after element.
void columns(const Task& task, const float* x, float* y, std::int64_t width, Exponential& exponential) {
    float largest[kColumns], sum[kColumns] = {}, values[kColumns];
    std::fill_n(largest, kColumns, kLowest);
    for (std::int64_t i = 0; i < task.rows.length; ++i) {
        for (std::int64_t j = 0; j < width; ++j) largest[j] = larger(largest[j], x[i * task.in + j]);
    }
    for (std::int64_t i = 0; i < task.rows.length; ++i) {
        for (std::int64_t j = 0; j < width; ++j) values[j] = x[i * task.in + j] - largest[j];
        exponential(values, values, width);
        for (std::int64_t j = 0; j < width; ++j) sum[j] += values[j];
        if (!task.log) std::copy_n(values, width, y + i * task.out);
    }
    for (std::int64_t j = 0; j < width; ++j) sum[j] = task.log ? std::log(sum[j]) : 1.0f / sum[j];
    for (std::int64_t i = 0; i < task.rows.length; ++i) {
        const float* from = x + i * task.in;
        float* to = y + i * task.out;
        if (task.log) {
            for (std::int64_t j = 0; j < width; ++j) to[j] = from[j] - largest[j] - sum[j];
        } else {
            for (std::int64_t j = 0; j < width; ++j) to[j] *= sum[j];
        }
    }
}

std::int64_t tiles(const Task& task) { return (task.rows.kept.back().extent + kColumns - 1) / kColumns; }

void along_columns(const Task& task, std::int64_t first, std::int64_t last) {
    static thread_local ChunkMemory<float> memory;
    Exponential exponential(memory);
    for (std::int64_t unit = first; unit < last; ++unit) {
        const RowWalk walk(task.rows.kept, task.rows.kept.size() - 1, unit / tiles(task));
        const std::int64_t column = unit % tiles(task) * kColumns;
        columns(task, task.x + walk.in + column, task.y + walk.out + column, std::min(kColumns, task.rows.kept.back().extent - column), exponential);
    }
}

} // namespace

Run prepare_softmax(const Launch& launch) {
    auto task = std::make_shared<Task>();
    task->rows = rows_of(launch);
    const Rows& rows = task->rows;
    if (rows.reduced.size() != 1) refuse_rows(launch, "more than one axis");
    task->in = rows.reduced[0].in;
    task->out = launch.param(20);
    task->log = launch.geometry(3) != 0;
    if (task->out < 0) refuse_rows(launch, "a negative stride");
    if (rows.count == 0 || rows.length == 0) return [] {};
    task->x = launch.buffer<const float>(0, input_reach(rows));
    task->y = launch.buffer<float>(1, checked_add(reach(rows.kept, &RowAxis::out), checked_mul(rows.length - 1, task->out)));
    if (rows.side_by_side() && rows.kept.back().out == 1) {
        const std::int64_t units = rows.count / rows.kept.back().extent * tiles(*task);
        const std::int64_t grain = std::max<std::int64_t>(kGrain / kColumns / rows.length, 1);
        return [=] { spread(units, grain, [&](std::int64_t first, std::int64_t last) { along_columns(*task, first, last); }); };
    }
    const std::int64_t grain = std::max<std::int64_t>(kGrain / rows.length, 1);
    return [=] { spread(task->rows.count, grain, [&](std::int64_t first, std::int64_t last) { along_rows(*task, first, last); }); };
}

} // namespace tensorvk::kernels::cpu
