// cpu/topk: the k largest (or smallest) elements along an axis, in order, and their places. The step is that of topk/generic; parameters and
// constants are described in shaders/topk/select.comp. Of an element and its place one number is made whose order is the wanted one.
#include <algorithm>
#include <bit>
#include <memory>
#include <span>
#include <vector>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/rows.hpp"
#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kGrain = 16384; // elements worth a thread
constexpr std::int64_t kPart = 1024;   // elements ordered at a time
constexpr std::int64_t kMostInParts = 256;

struct Task {
    Rows rows;
    const float* x = nullptr;
    float* values = nullptr; // null: not wanted
    std::int32_t* narrow = nullptr;
    std::int64_t* wide = nullptr;
    RowStrides along;
    std::int64_t k = 1;
    bool smallest = false, last_first = false, nan_last = false;

    //! Less is better: the value (the two zeros are one), then the place. No key is the largest number.
    [[nodiscard]] std::uint64_t key(float value, std::int64_t place) const {
        const auto bits = std::bit_cast<std::uint32_t>(value + 0.0f); // -0 becomes 0
        const std::uint32_t ascending = bits >> 31 != 0 ? ~bits : bits | 0x80000000U;
        const std::uint32_t order = value != value ? (nan_last ? UINT32_MAX - 1 : 0) : smallest ? ascending : ~ascending;
        const auto low = static_cast<std::uint32_t>(place);
        return std::uint64_t{order} << 32 | (last_first ? ~low : low);
    }
    [[nodiscard]] std::int64_t place(std::uint64_t key) const {
        const auto low = static_cast<std::uint32_t>(key);
        return last_first ? ~low : low;
    }
    void store(const float* row, std::int64_t at, std::uint64_t key) const {
        const std::int64_t element = place(key);
        if (values != nullptr) values[at] = row[element * along.in];
        if (narrow != nullptr) narrow[at] = static_cast<std::int32_t>(element);
        if (wide != nullptr) wide[at] = element;
    }
};

std::uint64_t best_of(const Task& task, const float* row) {
    std::uint64_t best = ~std::uint64_t{0};
    for (std::int64_t i = 0; i < task.rows.length; ++i) best = std::min(best, task.key(row[i * task.along.in], i));
    return best;
}

//! The k best of the row in order: of each part only its k best go on. `keys` holds kMostInParts + kPart numbers.
void select_few(const Task& task, const float* row, std::uint64_t* keys) {
    std::int64_t kept = 0;
    for (std::int64_t first = 0; first < task.rows.length; first += kPart) {
        const std::int64_t end = std::min(first + kPart, task.rows.length);
        const std::uint64_t worst = kept < task.k ? ~std::uint64_t{0} : *std::max_element(keys, keys + kept);
        std::int64_t all = kept;
        for (std::int64_t i = first; i < end; ++i) {
            keys[all] = task.key(row[i * task.along.in], i);
            all += keys[all] < worst ? 1 : 0;
        }
        kept = std::min(all, task.k);
        if (all > kept) std::nth_element(keys, keys + kept - 1, keys + all);
    }
    std::sort(keys, keys + kept);
}

void select_rows(const Task& task, std::int64_t first, std::int64_t last) {
    RowWalk walk(task.rows.kept, task.rows.kept.size(), first);
    std::uint64_t keys[kMostInParts + kPart];
    for (std::int64_t row = first; row < last; ++row, walk.next()) {
        const float* x = task.x + walk.in;
        if (task.k == 1) {
            task.store(x, walk.out, best_of(task, x));
            continue;
        }
        select_few(task, x, keys);
        for (std::int64_t j = 0; j < task.k; ++j) task.store(x, walk.out + j * task.along.out, keys[j]);
    }
}

//! Many of a row: all its keys are ordered in `keys`, by one thread.
void select_many(const Task& task, std::span<std::uint64_t> keys) {
    RowWalk walk(task.rows.kept, task.rows.kept.size(), 0);
    for (std::int64_t row = 0; row < task.rows.count; ++row, walk.next()) {
        const float* x = task.x + walk.in;
        for (std::int64_t i = 0; i < task.rows.length; ++i) keys[static_cast<std::size_t>(i)] = task.key(x[i * task.along.in], i);
        std::partial_sort(keys.begin(), keys.begin() + task.k, keys.end());
        for (std::int64_t j = 0; j < task.k; ++j) task.store(x, walk.out + j * task.along.out, keys[static_cast<std::size_t>(j)]);
    }
}

} // namespace

Run prepare_topk(const Launch& launch) {
    auto task = std::make_shared<Task>();
    task->rows = rows_of(launch);
    const Rows& rows = task->rows;
    task->along = row_strides(launch, rows);
    task->k = launch.param(21);
    task->smallest = launch.geometry(3) != 0;
    const std::int32_t wants = launch.geometry(5);
    task->last_first = (wants & 8) != 0;
    task->nan_last = (wants & 16) != 0;
    if (rows.count == 0 || task->k == 0) return [] {};
    if (task->k < 1 || task->k > rows.length || rows.length > INT32_MAX) refuse_rows(launch, "fewer elements than are selected");
    task->x = launch.buffer<const float>(0, input_reach(rows));
    const std::int64_t results = output_reach(rows, task->k, task->along.out);
    if ((wants & 1) != 0) task->values = launch.buffer<float>(1, results);
    if ((wants & 6) == 2) task->narrow = launch.buffer<std::int32_t>(2, results);
    if ((wants & 6) == 6) task->wide = launch.buffer<std::int64_t>(2, results);
    if (task->k <= kMostInParts) {
        const std::int64_t grain = std::max<std::int64_t>(kGrain / rows.length, 1);
        return [=] { spread(task->rows.count, grain, [&](std::int64_t first, std::int64_t last) { select_rows(*task, first, last); }); };
    }
    auto keys = std::make_shared<std::vector<std::uint64_t>>(static_cast<std::size_t>(rows.length));
    return [=] { select_many(*task, *keys); };
}

} // namespace tensorvk::kernels::cpu
