// cpu/tiled_matrix: a matrix product in tiles of registers (tiles.hpp), of float32 or of 8-bit integers. The step is that of matrix/generic or
// quantized/matrix, but for the bias of integers, which is bound as it is. A constant second factor is packed once where that is worth its
// memory (constant_factor.hpp), another one by each thread, panel by panel.
#include <memory>
#include <vector>

#include "kernels/cpu/byte_types.hpp"
#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/constant_factor.hpp"
#include "kernels/cpu/epilogue.hpp"
#include "kernels/cpu/panels.hpp"
#include "kernels/cpu/workers.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::size_t kBatchAxes = 6;
constexpr std::int64_t kGrain = 1 << 18;      // products worth a thread
constexpr std::int64_t kRowsTogether = 240;   // a multiple of the rows of every instruction set's tile
constexpr std::int64_t kNumbersTogether = 1 << 16; // of the first factor: what stays in the second cache
constexpr std::int64_t kLeastRows = 64; // else the second factor is read too often
constexpr std::int64_t kFewRows = 4; // not worth a copy of the second factor

struct BatchAxis { std::int64_t extent, a, b; };

template <typename A>
struct Task {
    std::int64_t m = 0, n = 0;
    Panels<A> panels;
    std::vector<BatchAxis> batch; // fastest first
    const typename A::Source* a = nullptr;
    std::int64_t a_row = 0, a_column = 0, b_row = 0;
    Bytes a_bytes;
    SecondFactor<A> b;
    std::shared_ptr<const Numbers<typename A::In>> packed; // a constant second factor, the same for the whole batch
    const typename A::Sum* bias = nullptr;
    std::unique_ptr<Epilogue> epilogue;

    std::int64_t rows = 0, columns = 0; // of a block: rows, and panels' columns
    std::int64_t row_blocks = 0, column_blocks = 0, batches = 1;

    [[nodiscard]] bool reads_a_in_place() const { return std::is_same_v<A, Floats> && a_column == 1; }
    [[nodiscard]] bool reads_b_in_place() const {
        return std::is_same_v<A, Floats> && !packed && b.stride == 1 && b.type == Word::kF32 && m <= kFewRows;
    }
    [[nodiscard]] bool sums_in_place() const { return std::is_same_v<A, Floats> && epilogue->sums_in_place() != nullptr; }

    [[nodiscard]] std::size_t a_bytes_of_block() const {
        return reads_a_in_place() ? 0 : scratch_bytes<typename A::In>(rows * panels.padded_depth());
    }
    [[nodiscard]] std::size_t b_bytes_of_block() const { return packed ? 0 : scratch_bytes<typename A::In>(kWidestPanel * panels.padded_depth()); }
    [[nodiscard]] std::size_t block_bytes() const {
        return a_bytes_of_block() + b_bytes_of_block() + (sums_in_place() ? 0 : scratch_bytes<typename A::Sum>(rows * columns));
    }
};

template <typename A>
FirstFactor<A> rows_of_block(const Task<A>& task, std::int64_t offset, std::int64_t first, std::int64_t count, std::byte* memory) {
    const typename A::Source* from = task.a + offset + first * task.a_row;
    if constexpr (std::is_same_v<A, Floats>) {
        if (task.reads_a_in_place()) return {from, task.a_row, count};
    }
    auto* to = reinterpret_cast<typename A::In*>(memory);
    const std::int64_t depth = task.panels.depth, padded = task.panels.padded_depth();
    for (std::int64_t row = 0; row < count; ++row) {
        widen(from + row * task.a_row, task.a_column, depth, task.a_bytes, to + row * padded);
        for (std::int64_t k = depth; k < padded; ++k) to[row * padded + k] = 0;
    }
    return {to, padded, count};
}

//! Panel `panel` of the second factor that begins at `offset`, and how far apart its steps are.
template <typename A>
std::pair<const typename A::In*, std::int64_t> panel_of(const Task<A>& task, std::int64_t offset, std::int64_t panel, std::byte* memory) {
    const Panels<A>& panels = task.panels;
    if (task.packed) return {task.packed->data() + panels.offset(panel), panels.width(panel) * A::kStep};
    if constexpr (std::is_same_v<A, Floats>) {
        if (task.reads_b_in_place() && panels.columns_of(panel) == panels.width(panel)) {
            return {reinterpret_cast<const float*>(task.b.data) + offset + panel * tiles<A>().width, task.b_row};
        }
    }
    auto* to = reinterpret_cast<typename A::In*>(memory);
    panels.pack(task.b, panel, [&](std::int64_t k) { return offset + k * task.b_row; }, to);
    return {to, panels.width(panel) * A::kStep};
}

//! One block of rows and panels of one matrix of the batch.
template <typename A>
void run_block(const Task<A>& task, std::int64_t unit, std::byte* memory) {
    using Sum = typename A::Sum;
    const std::int64_t column_block = unit % task.column_blocks, row_block = unit / task.column_blocks % task.row_blocks;
    const std::int64_t matrix = unit / task.column_blocks / task.row_blocks;
    std::int64_t a = 0, b = 0, rest = matrix;
    for (const BatchAxis& axis : task.batch) {
        a += rest % axis.extent * axis.a;
        b += rest % axis.extent * axis.b;
        rest /= axis.extent;
    }
    const std::int64_t first = row_block * task.rows, count = std::min(task.rows, task.m - first);
    const std::int64_t column = column_block * task.columns, columns = std::min(task.columns, task.n - column);
    const FirstFactor<A> factor = rows_of_block(task, a, first, count, memory);
    const std::int64_t at = (matrix * task.m + first) * task.n + column;
    Sum* sums = reinterpret_cast<Sum*>(memory + task.a_bytes_of_block() + task.b_bytes_of_block());
    std::int64_t stride = columns;
    if constexpr (std::is_same_v<A, Floats>) {
        if (task.sums_in_place()) {
            sums = task.epilogue->sums_in_place() + at;
            stride = task.n;
        }
    }
    const std::int64_t width = tiles<A>().width;
    for (std::int64_t done = 0; done < columns; done += width) {
        const std::int64_t panel = (column + done) / width;
        const auto [packed, step] = panel_of(task, b, panel, memory + task.a_bytes_of_block());
        tiles<A>().multiply({factor.data, factor.stride, task.panels.padded_depth(), packed, step,
                             task.bias == nullptr ? nullptr : task.bias + column + done, sums + done, stride, count, task.panels.columns_of(panel)});
    }
    if (columns == task.n) {
        task.epilogue->along_channels(sums, at, count * columns, 0);
    } else {
        for (std::int64_t row = 0; row < count; ++row) task.epilogue->along_channels(sums + row * stride, at + row * task.n, columns, column);
    }
}

//! Blocks: enough of them for all threads, the first factor's in the second cache.
template <typename A>
void cut(Task<A>& task) {
    const std::int64_t depth = std::max<std::int64_t>(task.panels.padded_depth(), 1), threads = pieces_of(INT32_MAX, 1);
    const std::int64_t most = std::clamp(kNumbersTogether / depth, kLeastRows, kRowsTogether), cuts_of_rows = (task.m + most - 1) / most;
    task.rows = (task.m + cuts_of_rows - 1) / cuts_of_rows;
    task.row_blocks = (task.m + task.rows - 1) / task.rows;
    const std::int64_t blocks = task.row_blocks * task.batches;
    const std::int64_t cuts = std::clamp<std::int64_t>((threads + blocks - 1) / blocks, 1, task.panels.count());
    task.columns = std::min(task.n, (task.panels.count() + cuts - 1) / cuts * tiles<A>().width);
    task.column_blocks = (task.n + task.columns - 1) / task.columns;
}

//! Leading axes that both factors cross in one stride are one; where the second factor does not change, they are rows.
template <typename A>
void add_batch(const Launch& launch, Task<A>& task) {
    for (std::size_t i = kBatchAxes; i-- > 0;) {
        const BatchAxis axis{launch.param(8 + i), launch.param(14 + i), launch.param(20 + i)};
        if (axis.extent < 1 || axis.a < 0 || axis.b < 0) {
            throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a product with impossible strides: rebuild the plan."));
        }
        if (axis.extent == 1) continue;
        if (!task.batch.empty() && axis.a == task.batch.back().a * task.batch.back().extent &&
            axis.b == task.batch.back().b * task.batch.back().extent) {
            task.batch.back().extent *= axis.extent;
        } else {
            task.batch.push_back(axis);
        }
        task.batches = checked_mul(task.batches, axis.extent);
    }
    if (task.batch.size() == 1 && task.batch[0].b == 0 && task.batch[0].a == task.m * task.a_row) {
        task.m = checked_mul(task.m, task.batches);
        task.batches = 1;
        task.batch.clear();
    }
}

//! Elements from the first to the last that a factor of so many rows and columns reaches.
std::int64_t reach(std::int64_t rows, std::int64_t row, std::int64_t columns, std::int64_t column, const std::vector<BatchAxis>& batch,
                   std::int64_t BatchAxis::*stride) {
    std::int64_t last = checked_add(checked_mul(rows - 1, row), checked_mul(columns - 1, column));
    for (const BatchAxis& axis : batch) last = checked_add(last, checked_mul(axis.extent - 1, axis.*stride));
    return last + 1;
}

template <typename A>
Run prepare(const Launch& launch, std::shared_ptr<Task<A>> task) {
    const std::int64_t count = launch.param(0), k = launch.param(3);
    task->m = launch.param(1);
    task->n = launch.param(2);
    task->a_row = launch.param(4);
    task->a_column = launch.param(5);
    task->b_row = launch.param(6);
    task->b.stride = launch.param(7);
    if (task->m < 1 || task->n < 1 || k < 0 || task->a_row < 0 || task->a_column < 0 || task->b_row < 0 || task->b.stride < 0) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a product of impossible extents: rebuild the plan."));
    }
    task->panels = {k, task->n};
    add_batch(launch, *task);
    if (checked_mul(checked_mul(task->m, task->n), task->batches) != count) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is another size than its result: rebuild the plan."));
    }
    if (k > 0) {
        task->a = launch.buffer<const typename A::Source>(0, reach(task->m, task->a_row, k, task->a_column, task->batch, &BatchAxis::a));
        const std::int64_t elements = reach(k, task->b_row, task->n, task->b.stride, task->batch, &BatchAxis::b);
        task->b.data = launch.buffer<const std::byte>(1, checked_mul(elements, std::is_same_v<A, Floats> ? bytes_of(task->b.type) : 1));
    }
    const bool one = std::ranges::all_of(task->batch, [](const BatchAxis& axis) { return axis.b == 0; });
    const bool constant = launch.geometry(2) != 0 && one && k > 0;
    const std::int64_t bytes_of_factor = checked_mul(checked_mul(k, task->n), bytes_of(task->b.type));
    if (constant && (std::is_same_v<A, Integers> || is_worth_packing(task->m, task->n, task->b.stride, bytes_of_factor))) {
        task->packed =
            launch.keep().template get<Numbers<typename A::In>>(text("weights:", k, ":", task->n, ":", task->b_row, ":", task->b.stride), [&] {
                auto made = std::make_unique<Numbers<typename A::In>>(static_cast<std::size_t>(task->panels.numbers()));
                for (std::int64_t panel = 0; panel < task->panels.count(); ++panel) {
                    task->panels.pack(
                        task->b, panel, [&](std::int64_t row) { return row * task->b_row; }, made->data() + task->panels.offset(panel));
                }
                return made.release();
            });
    }
    cut(*task);
    const std::int64_t units = task->batches * task->row_blocks * task->column_blocks;
    const std::int64_t grain = std::max<std::int64_t>(kGrain / std::max<std::int64_t>(task->rows * task->columns * std::min(k, kGrain), 1), 1);
    const std::size_t bytes = task->block_bytes();
    return [=] {
        const Scratch memory(bytes * static_cast<std::size_t>(pieces_of(units, grain)));
        spread(units, grain, [&](std::int64_t first, std::int64_t last, int piece) {
            for (std::int64_t unit = first; unit < last; ++unit) run_block(*task, unit, memory.data() + bytes * static_cast<std::size_t>(piece));
        });
    };
}

} // namespace

Run prepare_tiled_matrix_f32(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    constexpr std::int32_t kFactorHalf = 4;
    const std::int32_t types = launch.geometry(0);
    if ((types & ~kFactorHalf) != 0) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a product of types that its kernel does not take: rebuild the plan."));
    }
    auto task = std::make_shared<Task<Floats>>();
    task->b.type = (types & kFactorHalf) != 0 ? Word::kF16 : Word::kF32;
    task->epilogue = std::make_unique<Epilogue>(matrix_epilogue(launch, Word::kF32, 0));
    if (launch.param(26) != 0) task->bias = launch.buffer<const float>(2, launch.param(2));
    return prepare<Floats>(launch, std::move(task));
}

Run prepare_tiled_matrix_int8(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    const ByteTypes types = byte_types(launch, 26);
    auto task = std::make_shared<Task<Integers>>();
    task->a_bytes = types.x;
    task->b.bytes = types.weights;
    task->epilogue = std::make_unique<Epilogue>(matrix_epilogue(launch, types.y, types.operands));
    if (launch.geometry(3) != 0) task->bias = launch.buffer<const std::int32_t>(2, launch.param(2));
    return prepare<Integers>(launch, std::move(task));
}

} // namespace tensorvk::kernels::cpu
