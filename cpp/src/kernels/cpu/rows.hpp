// Rows as strides, as cpu/reduce and cpu/softmax take them: what tactics/rows.cpp writes as parameters 0 .. 19 and constants 0 .. 1, and
// shaders/common/rows.glsl reads. A result for each index of the kept axes, from the elements along the reduced axes.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "kernels/cpu/kernel.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

struct RowAxis {
    std::int64_t extent = 1, in = 0, out = 0; // strides in elements; `out` of reduced axes is not used
};

struct Rows {
    std::int64_t count = 0, length = 0;
    std::vector<RowAxis> kept, reduced; // slowest first

    //! Neighbouring rows lie side by side: better to go through many of them at once than along each.
    [[nodiscard]] bool side_by_side() const { return kept.back().in == 1 && kept.back().extent >= 8; }
};

//! Goes through the indices of the first `axes` of several axes, from index `first` on.
class RowWalk {
public:
    RowWalk(const std::vector<RowAxis>& all, std::size_t axes, std::int64_t first) : all_(all), axes_(axes) {
        for (std::size_t a = axes; a-- > 0;) {
            at_[a] = first % all[a].extent;
            first /= all[a].extent;
            in += at_[a] * all[a].in;
            out += at_[a] * all[a].out;
        }
    }

    void next() {
        for (std::size_t a = axes_; a-- > 0;) {
            in += all_[a].in;
            out += all_[a].out;
            if (++at_[a] < all_[a].extent) return;
            in -= all_[a].extent * all_[a].in;
            out -= all_[a].extent * all_[a].out;
            at_[a] = 0;
        }
    }

    std::int64_t in = 0, out = 0;

private:
    static constexpr std::size_t kMostAxes = 4;
    const std::vector<RowAxis>& all_;
    std::size_t axes_;
    std::array<std::int64_t, kMostAxes> at_{};
};

[[noreturn]] inline void refuse_rows(const Launch& launch, const char* what) {
    throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has rows with ", what, ": rebuild the plan."));
}

//! The extent of the slowest axis is what the total leaves to it.
inline void finish_axes(const Launch& launch, std::vector<RowAxis>& axes, std::int64_t total) {
    std::int64_t inner = 1;
    for (std::size_t a = 1; a < axes.size(); ++a) {
        if (axes[a].extent < 0) refuse_rows(launch, "a negative extent");
        inner = checked_mul(inner, axes[a].extent);
    }
    for (const RowAxis& axis : axes) {
        if (axis.in < 0 || axis.out < 0) refuse_rows(launch, "a negative stride");
    }
    constexpr std::int64_t kMost = std::int64_t{1} << 48; // more than any memory holds, and sums of it fit
    if (total < 0 || total > kMost || (total > 0 && (inner == 0 || total % inner != 0))) refuse_rows(launch, "a count that their axes do not make");
    axes[0].extent = total == 0 ? 0 : total / inner;
    for (RowAxis& axis : axes) {
        if (axis.extent <= 1) axis.in = axis.out = 0; // whatever is said there, nothing steps along it
    }
}

[[nodiscard]] inline Rows rows_of(const Launch& launch) {
    constexpr std::size_t kKeptExtents = 1, kKeptIn = 5, kKeptOut = 9, kReducedExtents = 12, kReducedIn = 16, kMostAxes = 4;
    Rows rows;
    rows.count = launch.param(0);
    rows.length = launch.param(1);
    const auto axes = [&](std::uint32_t constant) {
        const std::int32_t number = launch.geometry(constant);
        if (number < 1 || static_cast<std::size_t>(number) > kMostAxes) refuse_rows(launch, "an impossible number of axes");
        return static_cast<std::size_t>(number);
    };
    for (std::size_t a = 0, end = axes(0); a < end; ++a) {
        rows.kept.push_back({a == 0 ? 1 : launch.param(kKeptExtents + a), launch.param(kKeptIn + a), launch.param(kKeptOut + a)});
    }
    for (std::size_t a = 0, end = axes(1); a < end; ++a) {
        rows.reduced.push_back({a == 0 ? 1 : launch.param(kReducedExtents + a), launch.param(kReducedIn + a), 0});
    }
    finish_axes(launch, rows.kept, rows.count);
    finish_axes(launch, rows.reduced, rows.length);
    return rows;
}

//! Elements from the first to the last that the axes reach; 0 where one of them is empty.
[[nodiscard]] inline std::int64_t reach(const std::vector<RowAxis>& axes, std::int64_t RowAxis::*stride) {
    std::int64_t last = 0;
    for (const RowAxis& axis : axes) {
        if (axis.extent == 0) return 0;
        last = checked_add(last, checked_mul(axis.extent - 1, axis.*stride));
    }
    return checked_add(last, 1);
}

//! Elements of the input that the rows reach.
[[nodiscard]] inline std::int64_t input_reach(const Rows& rows) {
    const std::int64_t kept = reach(rows.kept, &RowAxis::in), reduced = reach(rows.reduced, &RowAxis::in);
    return kept == 0 || reduced == 0 ? 0 : checked_add(kept, reduced - 1);
}

//! Of steps that go along one axis and write along it too: the strides in the input and the output.
struct RowStrides {
    std::int64_t in = 1, out = 1;
};

[[nodiscard]] inline RowStrides row_strides(const Launch& launch, const Rows& rows) {
    if (rows.reduced.size() != 1) refuse_rows(launch, "more than one axis");
    const RowStrides strides{rows.reduced[0].in, launch.param(20)};
    if (strides.out < 0) refuse_rows(launch, "a negative stride");
    return strides;
}

//! Elements of the output that `written` elements of each row reach.
[[nodiscard]] inline std::int64_t output_reach(const Rows& rows, std::int64_t written, std::int64_t stride) {
    return checked_add(reach(rows.kept, &RowAxis::out), checked_mul(written - 1, stride));
}

} // namespace tensorvk::kernels::cpu
