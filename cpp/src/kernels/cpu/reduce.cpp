// cpu/reduce: sum, product, maximum, minimum and mean along any axes. The step is that of reduce/generic; see shaders/reduce/rows.comp. A row
// is cut into blocks, whose results are joined in order: few long rows keep all cores busy, and the sum does not depend on their number.
#include <memory>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/lanes.hpp"
#include "kernels/cpu/rows.hpp"
#include "kernels/cpu/workers.hpp"
#include "tensorvk/types.h"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kLanes = 16;    // partial results along a row
constexpr std::int64_t kColumns = 64;  // neighbouring rows at a time
constexpr std::int64_t kGrain = 16384; // elements worth a thread

template <typename Element>
struct Task {
    using T = NumberOf<Element>;
    Rows rows;
    const Element* x = nullptr;
    T* y = nullptr;
    Bfloat* narrow = nullptr; // in place of y

    bool mean = false;
    std::int64_t block = 1, blocks = 1; // elements of a block, blocks of a row
    std::vector<T> partial;             // by block, then by row; empty where rows are one block

    void store(std::int64_t out, T value) const {
        const T result = mean ? quotient(value) : value;
        if (narrow == nullptr) {
            y[out] = result;
        } else {
            narrow[out] = bfloat_of(static_cast<float>(result));
        }
    }
    //! Of integers as C has it, and 0 of no elements at all.
    [[nodiscard]] T quotient(T sum) const {
        if constexpr (std::is_integral_v<T>) {
            return rows.length == 0 ? T{0} : static_cast<T>(sum / rows.length);
        } else {
            return sum / static_cast<T>(rows.length);
        }
    }
};

//! `n` elements of one row that are `stride` apart.
template <typename Join, typename Element, typename T = typename Join::Number>
T join_run(const Element* x, std::int64_t n, std::int64_t stride) {
    const Join join{};
    T total = Join::kNeutral;
    std::int64_t i = 0;
    if (n >= 2 * kLanes) {
        T lanes[kLanes];
        std::fill_n(lanes, kLanes, Join::kNeutral);
        if (stride == 1) {
            for (; i + kLanes <= n; i += kLanes) join_each<Join>(lanes, x + i, kLanes);
        } else {
            for (; i + kLanes <= n; i += kLanes) join_each<Join>(lanes, x + i * stride, kLanes, stride);
        }
        for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
            for (std::int64_t l = 0; l < half; ++l) lanes[l] = join(lanes[l], lanes[l + half]);
        }
        total = lanes[0];
    }
    for (; i < n; ++i) total = join(total, number(x[i * stride]));
    return total;
}

//! Calls use(offset, n) for the runs along the innermost reduced axis that make elements first .. last - 1 of a row.
template <typename Use>
void for_runs(const Rows& rows, std::int64_t first, std::int64_t last, Use use) {
    if (first >= last) return;
    const RowAxis& inner = rows.reduced.back();
    std::int64_t at = first % inner.extent;
    RowWalk walk(rows.reduced, rows.reduced.size() - 1, first / inner.extent);
    for (std::int64_t left = last - first; left > 0; walk.next()) {
        const std::int64_t n = std::min(left, inner.extent - at);
        use(walk.in + at * inner.in, n);
        left -= n;
        at = 0;
    }
}

//! Units first .. last - 1: blocks, row by row.
template <typename Join, typename Element, typename T = typename Join::Number>
void along_rows(Task<Element>& task, std::int64_t first, std::int64_t last) {
    const Rows& rows = task.rows;
    std::int64_t row = first / task.blocks, block = first % task.blocks;
    RowWalk walk(rows.kept, rows.kept.size(), row);
    for (std::int64_t unit = first; unit < last; ++unit) {
        T total = Join::kNeutral;
        for_runs(rows, block * task.block, std::min((block + 1) * task.block, rows.length), [&](std::int64_t offset, std::int64_t n) {
            total = Join()(total, join_run<Join>(task.x + walk.in + offset, n, rows.reduced.back().in));
        });
        if (task.partial.empty()) {
            task.store(walk.out, total);
        } else {
            task.partial[static_cast<std::size_t>(block * rows.count + row)] = total;
        }
        if (++block == task.blocks) {
            block = 0;
            ++row;
            walk.next();
        }
    }
}

//! `n` elements of each of `width` neighbouring rows.
template <typename Join, typename Element, typename T = typename Join::Number>
void join_columns(const Element* x, std::int64_t n, std::int64_t stride, std::int64_t width, T* totals) {
    const Join join{};
    std::int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const Element *a = x + i * stride, *b = a + stride, *c = b + stride, *d = c + stride;
        for (std::int64_t j = 0; j < width; ++j) totals[j] = join(join(join(join(totals[j], number(a[j])), number(b[j])), number(c[j])), number(d[j]));
    }
    for (; i < n; ++i) {
        for (std::int64_t j = 0; j < width; ++j) totals[j] = join(totals[j], number(x[i * stride + j]));
    }
}

template <typename Element>
std::int64_t tiles(const Task<Element>& task) { return (task.rows.kept.back().extent + kColumns - 1) / kColumns; }

//! Units first .. last - 1: blocks of tiles of neighbouring rows.
template <typename Join, typename Element, typename T = typename Join::Number>
void along_columns(Task<Element>& task, std::int64_t first, std::int64_t last) {
    const Rows& rows = task.rows;
    const RowAxis& inner = rows.kept.back();
    const std::int64_t of_row = tiles(task) * task.blocks;
    for (std::int64_t unit = first; unit < last; ++unit) {
        const std::int64_t block = unit % task.blocks, column = unit / task.blocks % tiles(task) * kColumns, outer = unit / of_row;
        const std::int64_t width = std::min(kColumns, inner.extent - column);
        const RowWalk walk(rows.kept, rows.kept.size() - 1, outer);
        T totals[kColumns];
        std::fill_n(totals, kColumns, Join::kNeutral);
        for_runs(rows, block * task.block, std::min((block + 1) * task.block, rows.length), [&](std::int64_t offset, std::int64_t n) {
            const Element* x = task.x + walk.in + offset + column;
            if (width == kColumns) {
                join_columns<Join>(x, n, rows.reduced.back().in, kColumns, totals);
            } else {
                join_columns<Join>(x, n, rows.reduced.back().in, width, totals);
            }
        });
        if (task.partial.empty()) {
            for (std::int64_t j = 0; j < width; ++j) task.store(walk.out + (column + j) * inner.out, totals[j]);
        } else {
            std::copy_n(totals, width, task.partial.data() + block * rows.count + outer * inner.extent + column);
        }
    }
}

template <typename Join, typename Element, typename T = typename Join::Number>
void join_blocks(const Task<Element>& task, std::int64_t first, std::int64_t last) {
    RowWalk walk(task.rows.kept, task.rows.kept.size(), first);
    for (std::int64_t row = first; row < last; ++row, walk.next()) {
        T total = Join::kNeutral;
        for (std::int64_t block = 0; block < task.blocks; ++block) {
            total = Join()(total, task.partial[static_cast<std::size_t>(block * task.rows.count + row)]);
        }
        task.store(walk.out, total);
    }
}

template <typename Join, typename Element>
Run run_of(std::shared_ptr<Task<Element>> task) {
    const bool columns = task->rows.side_by_side();
    const std::int64_t per_unit = columns ? kColumns : 1;
    task->block = 4 * kGrain / per_unit;
    task->blocks = std::max<std::int64_t>((task->rows.length + task->block - 1) / task->block, 1);
    if (task->blocks > 1) task->partial.resize(static_cast<std::size_t>(checked_mul(task->blocks, task->rows.count)));
    const std::int64_t results = columns ? task->rows.count / task->rows.kept.back().extent * tiles(*task) : task->rows.count;
    const std::int64_t units = checked_mul(results, task->blocks);
    const std::int64_t grain = std::max<std::int64_t>(kGrain / per_unit / std::clamp<std::int64_t>(task->rows.length, 1, task->block), 1);
    return [=] {
        spread(units, grain, [&](std::int64_t first, std::int64_t last) {
            columns ? along_columns<Join>(*task, first, last) : along_rows<Join>(*task, first, last);
        });
        if (task->blocks > 1) {
            spread(task->rows.count, std::max<std::int64_t>(kGrain / task->blocks, 1),
                   [&](std::int64_t first, std::int64_t last) { join_blocks<Join>(*task, first, last); });
        }
    };
}

template <typename Element>
Run prepare(const Launch& launch, bool narrow = false) {
    using T = NumberOf<Element>;
    auto task = std::make_shared<Task<Element>>();
    task->rows = rows_of(launch);
    task->x = launch.buffer<const Element>(0, input_reach(task->rows));
    const std::int64_t results = reach(task->rows.kept, &RowAxis::out);
    if (narrow) {
        task->narrow = launch.buffer<Bfloat>(1, results);
    } else {
        task->y = launch.buffer<T>(1, results);
    }
    if (task->rows.count == 0) return [] {};
    const std::int32_t operation = launch.geometry(3);
    switch (static_cast<ReduceOperation>(operation)) {
    case ReduceOperation::kAVG: task->mean = true; [[fallthrough]];
    case ReduceOperation::kSUM: return run_of<Sum<T>>(std::move(task));
    case ReduceOperation::kPROD: return run_of<Product<T>>(std::move(task));
    case ReduceOperation::kMAX: return run_of<Largest<T>>(std::move(task));
    case ReduceOperation::kMIN: return run_of<Smallest<T>>(std::move(task));
    }
    throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan reduces with operation ", operation, ": rebuild the plan."));
}

} // namespace

Run prepare_reduce_f32(const Launch& launch) { return prepare<float>(launch); }
//! Constant 4: which of input (bit 0) and output (bit 1) are bfloat16.
Run prepare_reduce_bf16(const Launch& launch) {
    const std::int32_t types = launch.geometry(4);
    return (types & 1) != 0 ? prepare<Bfloat>(launch, (types & 2) != 0) : prepare<float>(launch, (types & 2) != 0);
}
Run prepare_reduce_i32(const Launch& launch) { return prepare<std::int32_t>(launch); }

} // namespace tensorvk::kernels::cpu
