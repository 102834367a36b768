// cpu/copy: target[base + sum of c * target stride] = source[base + sum of c * source stride] for all coordinates c of a region. The step is that
// of copy/generic; parameters and constants are described in shaders/copy/generic.comp.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/workers.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"
#include "tensorvk/types.h"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::size_t kMostAxes = 8, kMostBoundedAxes = 6, kMostBounds = 3;
constexpr std::int64_t kOutside = -1; // in a table of source offsets: the fill value instead

struct Axis {
    std::int64_t extent = 1, source = 0, target = 0;
    std::vector<std::int64_t> offsets; // where the source may be left: its offset, or kOutside, for each coordinate
};

struct Task {
    std::vector<Axis> axes; // slowest first
    std::int64_t count = 1, source_base = 0, target_base = 0;
    const std::byte* source = nullptr;
    std::byte* target = nullptr;
    std::array<std::byte, 16> fill{};
};

std::int64_t modulo(std::int64_t p, std::int64_t n) { return p >= 0 ? p % n : n - 1 - (-1 - p) % n; }

std::int64_t mirrored(std::int64_t p, std::int64_t n) {
    const std::int64_t period = std::max<std::int64_t>(2 * (n - 1), 1);
    const std::int64_t at = modulo(p, period);
    return at < n ? at : period - at;
}

std::int64_t inside_of(SampleMode mode, std::int64_t p, std::int64_t n) {
    switch (mode) {
    case SampleMode::kWRAP: return modulo(p, n);
    case SampleMode::kREFLECT: return mirrored(p, n);
    case SampleMode::kFILL: return p < 0 || p >= n ? kOutside : p;
    default: return std::clamp<std::int64_t>(p, 0, n - 1);
    }
}

[[noreturn]] void refuse(const Launch& launch, const char* what) {
    throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan copies with ", what, ": rebuild the plan."));
}

//! Source offsets along an axis whose position start + step * c may lie outside 0 .. limit - 1.
void bound(const Launch& launch, Axis& axis, std::size_t index) {
    const std::int64_t start = launch.param(20 + index), step = launch.param(23 + index), limit = launch.param(26 + index);
    const auto mode = static_cast<SampleMode>(launch.geometry(4));
    if (limit < 1 && mode != SampleMode::kFILL) refuse(launch, "a source without elements");
    for (std::int64_t c = 0; c < axis.extent; ++c) {
        const std::int64_t at = inside_of(mode, checked_add(start, checked_mul(step, c)), limit);
        axis.offsets.push_back(at == kOutside ? kOutside : at * axis.source);
    }
}

//! One more than the largest offset that the task reaches in a tensor; negative offsets are refused.
std::int64_t reach(const Launch& launch, const Task& task, std::int64_t Axis::*stride, std::int64_t base) {
    std::int64_t lowest = base, highest = base;
    for (const Axis& axis : task.axes) {
        if (stride == &Axis::source && !axis.offsets.empty()) {
            const auto [low, high] = std::ranges::minmax(axis.offsets);
            lowest = checked_add(lowest, std::min<std::int64_t>(low == kOutside ? 0 : low, 0));
            highest = checked_add(highest, std::max<std::int64_t>(high, 0));
            continue;
        }
        const std::int64_t last = checked_mul(axis.extent - 1, axis.*stride);
        lowest = checked_add(lowest, std::min<std::int64_t>(last, 0));
        highest = checked_add(highest, std::max<std::int64_t>(last, 0));
    }
    if (lowest < 0) refuse(launch, "elements before the tensor's first");
    return highest + 1;
}

//! `n` elements along the last axis, or along two: what makes the inner loop.
template <typename T>
void move_run(const T* source, std::int64_t source_stride, T* target, std::int64_t target_stride, std::int64_t n) {
    if (source_stride == 1 && target_stride == 1) {
        std::memcpy(target, source, static_cast<std::size_t>(n) * sizeof(T));
    } else if (source_stride == 0 && target_stride == 1) {
        std::fill_n(target, n, *source);
    } else {
        for (std::int64_t i = 0; i < n; ++i) target[i * target_stride] = source[i * source_stride];
    }
}

template <typename T>
void move_bounded(const T* source, const Axis& axis, T* target, std::int64_t n, const T& fill) {
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t offset = axis.offsets[static_cast<std::size_t>(i)];
        target[i * axis.target] = offset == kOutside ? fill : source[offset];
    }
}

//! A row along the last axis; no source: all of it lies outside.
template <typename T>
void move_row(const Axis& inner, const T* source, T* target, const T& fill) {
    if (source == nullptr) {
        for (std::int64_t i = 0; i < inner.extent; ++i) target[i * inner.target] = fill;
    } else if (!inner.offsets.empty()) {
        move_bounded(source, inner, target, inner.extent, fill);
    } else {
        move_run(source, inner.source, target, inner.target, inner.extent);
    }
}

//! Rows (runs along the last axis) first .. last - 1 of the task. The place of a row is only worked out where the axis before the last begins again.
template <typename T>
void move_rows(const Task& task, std::int64_t first, std::int64_t last) {
    const Axis& inner = task.axes.back();
    static const Axis kAlone;
    const std::size_t outer = task.axes.size() < 2 ? 0 : task.axes.size() - 2; // how many axes are slower than the one of rows
    const Axis& rows = task.axes.size() < 2 ? kAlone : task.axes[outer];
    T fill;
    std::memcpy(&fill, task.fill.data(), sizeof(T));
    const T* source = reinterpret_cast<const T*>(task.source);
    T* target = reinterpret_cast<T*>(task.target);
    for (std::int64_t row = first; row < last;) {
        std::int64_t rest = row / rows.extent, from = task.source_base, to = task.target_base;
        bool outside = false;
        for (std::size_t a = outer; a-- > 0;) {
            const Axis& axis = task.axes[a];
            const std::int64_t c = rest % axis.extent;
            rest /= axis.extent;
            to += c * axis.target;
            const std::int64_t offset = axis.offsets.empty() ? c * axis.source : axis.offsets[static_cast<std::size_t>(c)];
            outside = outside || (!axis.offsets.empty() && offset == kOutside);
            from += offset;
        }
        const std::int64_t begin = row % rows.extent, end = std::min(rows.extent, begin + (last - row));
        row += end - begin;
        for (std::int64_t c = begin; c < end; ++c) {
            const std::int64_t offset = rows.offsets.empty() ? c * rows.source : rows.offsets[static_cast<std::size_t>(c)];
            const bool filled = outside || (!rows.offsets.empty() && offset == kOutside);
            move_row(inner, filled ? nullptr : source + from + offset, target + to + c * rows.target, fill);
        }
    }
}

//! Elements of a cache line, at least 8.
template <typename T>
constexpr std::int64_t kBlock = std::max<std::int64_t>(64 / static_cast<std::int64_t>(sizeof(T)), 8);

//! A whole block: lines of the source become columns of the target.
template <typename T>
void turn(const T* source, std::int64_t source_stride, T* target, std::int64_t target_stride) {
#ifdef __SSE2__
    if constexpr (sizeof(T) == 4) {
        constexpr std::int64_t kFour = 4;
        for (std::int64_t c = 0; c < kBlock<T>; c += kFour) {
            for (std::int64_t r = 0; r < kBlock<T>; r += kFour) {
                const auto* from = reinterpret_cast<const float*>(source + c * source_stride + r);
                auto* to = reinterpret_cast<float*>(target + r * target_stride + c);
                __m128 a = _mm_loadu_ps(from), b = _mm_loadu_ps(from + source_stride);
                __m128 d = _mm_loadu_ps(from + 2 * source_stride), e = _mm_loadu_ps(from + 3 * source_stride);
                _MM_TRANSPOSE4_PS(a, b, d, e);
                _mm_storeu_ps(to, a);
                _mm_storeu_ps(to + target_stride, b);
                _mm_storeu_ps(to + 2 * target_stride, d);
                _mm_storeu_ps(to + 3 * target_stride, e);
            }
        }
        return;
    }
#endif
    for (std::int64_t r = 0; r < kBlock<T>; ++r) {
        for (std::int64_t c = 0; c < kBlock<T>; ++c) target[r * target_stride + c] = source[r + c * source_stride];
    }
}

//! A transposition: the source runs along axis `across`, the target along the last. Blocks of it stay in the cache for both.
template <typename T>
void move_blocks(const Task& task, std::size_t across, std::int64_t first, std::int64_t last) {
    const Axis &rows = task.axes[across], &columns = task.axes.back();
    const std::int64_t row_blocks = (rows.extent + kBlock<T> - 1) / kBlock<T>;
    for (std::int64_t block = first; block < last; ++block) {
        std::int64_t rest = block / row_blocks;
        const std::int64_t row = block % row_blocks * kBlock<T>, row_end = std::min(row + kBlock<T>, rows.extent);
        std::int64_t from = task.source_base, to = task.target_base;
        for (std::size_t a = task.axes.size() - 1; a-- > 0;) {
            if (a == across) continue;
            from += rest % task.axes[a].extent * task.axes[a].source;
            to += rest % task.axes[a].extent * task.axes[a].target;
            rest /= task.axes[a].extent;
        }
        const T* source = reinterpret_cast<const T*>(task.source) + from;
        T* target = reinterpret_cast<T*>(task.target) + to;
        for (std::int64_t column = 0; column < columns.extent; column += kBlock<T>) {
            const std::int64_t column_end = std::min(column + kBlock<T>, columns.extent);
            if (row_end - row == kBlock<T> && column_end - column == kBlock<T>) {
                turn(source + row + column * columns.source, columns.source, target + row * rows.target + column, rows.target);
                continue;
            }
            for (std::int64_t r = row; r < row_end; ++r) {
                for (std::int64_t c = column; c < column_end; ++c) {
                    target[r * rows.target + c * columns.target] = source[r * rows.source + c * columns.source];
                }
            }
        }
    }
}

//! The axis that the source runs along, where it is not the last and nothing is bounded.
std::size_t axis_across(const Task& task) {
    const std::size_t last = task.axes.size() - 1;
    if (task.axes[last].source == 1 || task.axes[last].target != 1) return last;
    for (const Axis& axis : task.axes) {
        if (!axis.offsets.empty()) return last;
    }
    for (std::size_t a = 0; a < last; ++a) {
        if (task.axes[a].source == 1) return a;
    }
    return last;
}

template <typename T>
Run run_of(std::shared_ptr<const Task> task) {
    constexpr std::int64_t kGrain = 16384; // bytes worth a thread
    const auto size = static_cast<std::int64_t>(sizeof(T));
    const std::size_t across = axis_across(*task), last = task->axes.size() - 1;
    const std::int64_t rows = task->count / task->axes[last].extent;
    if (across == last) {
        const std::int64_t grain = std::max<std::int64_t>(kGrain / (task->axes[last].extent * size), 1);
        return [=] { spread(rows, grain, [&](std::int64_t first, std::int64_t end) { move_rows<T>(*task, first, end); }); };
    }
    const std::int64_t blocks = rows / task->axes[across].extent * ((task->axes[across].extent + kBlock<T> - 1) / kBlock<T>);
    const std::int64_t grain = std::max<std::int64_t>(kGrain / (kBlock<T> * task->axes[last].extent * size), 1);
    return [=] { spread(blocks, grain, [&](std::int64_t first, std::int64_t end) { move_blocks<T>(*task, across, first, end); }); };
}

struct alignas(8) Unit8 { std::array<std::byte, 8> bytes; };
struct alignas(16) Unit16 { std::array<std::byte, 16> bytes; };

template <typename T>
Run prepare(const Launch& launch, bool bounded) {
    auto task = std::make_shared<Task>();
    const auto axes = static_cast<std::size_t>(launch.geometry(0));
    const std::size_t places = bounded ? kMostBoundedAxes : kMostAxes;
    if (axes < 1 || axes > places) refuse(launch, "an impossible number of axes");
    const std::int64_t count = launch.param(0);
    if (count == 0) return [] {};
    task->source_base = launch.param(1);
    task->target_base = launch.param(2);
    std::int64_t inner = 1;
    for (std::size_t a = 0; a < axes; ++a) {
        Axis axis;
        axis.extent = a == 0 ? 1 : launch.param(2 + a);
        axis.source = launch.param(2 + places + a);
        axis.target = launch.param(2 + 2 * places + a);
        if (axis.extent < 1) refuse(launch, "an empty axis");
        inner = checked_mul(inner, axis.extent);
        task->axes.push_back(std::move(axis));
    }
    if (count < 0 || count % inner != 0) refuse(launch, "a count that its axes do not make");
    task->axes[0].extent = count / inner;
    task->count = count;
    for (std::size_t b = 0; bounded && b < kMostBounds; ++b) {
        const std::int32_t axis = launch.geometry(static_cast<std::uint32_t>(1 + b));
        if (axis < 0 || static_cast<std::size_t>(axis) > axes) refuse(launch, "a bound on an axis that is not there");
        if (axis > 0) bound(launch, task->axes[static_cast<std::size_t>(axis - 1)], b);
    }
    if (bounded) {
        const std::array<std::int32_t, 4> words{static_cast<std::int32_t>(launch.param(29)), launch.geometry(5), static_cast<std::int32_t>(launch.param(29)),
                                                launch.geometry(5)};
        std::memcpy(task->fill.data(), words.data(), sizeof(words));
    }
    task->source = reinterpret_cast<const std::byte*>(launch.buffer<const T>(0, reach(launch, *task, &Axis::source, task->source_base)));
    task->target = reinterpret_cast<std::byte*>(launch.buffer<T>(1, reach(launch, *task, &Axis::target, task->target_base)));
    return run_of<T>(std::move(task));
}

} // namespace

Run prepare_copy_1(const Launch& launch) { return prepare<std::uint8_t>(launch, false); }
Run prepare_copy_2(const Launch& launch) { return prepare<std::uint16_t>(launch, false); }
Run prepare_copy_4(const Launch& launch) { return prepare<std::uint32_t>(launch, false); }
Run prepare_copy_8(const Launch& launch) { return prepare<Unit8>(launch, false); }
Run prepare_copy_16(const Launch& launch) { return prepare<Unit16>(launch, false); }
Run prepare_bounded_copy_1(const Launch& launch) { return prepare<std::uint8_t>(launch, true); }
Run prepare_bounded_copy_2(const Launch& launch) { return prepare<std::uint16_t>(launch, true); }
Run prepare_bounded_copy_4(const Launch& launch) { return prepare<std::uint32_t>(launch, true); }
Run prepare_bounded_copy_8(const Launch& launch) { return prepare<Unit8>(launch, true); }
Run prepare_bounded_copy_16(const Launch& launch) { return prepare<Unit16>(launch, true); }

} // namespace tensorvk::kernels::cpu
