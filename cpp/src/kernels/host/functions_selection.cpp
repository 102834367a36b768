// Functions whose result depends on which elements are chosen.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "kernels/host/elements.hpp"
#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

namespace {

//! ONNX NonZero: the indices of all elements that are not 0, one column per element, in row-major order. int64 [rank, count].
void non_zero(Call& call) {
    const Tensor& x = call.input(0);
    std::vector<std::vector<std::int64_t>> found;
    std::int64_t at = 0;
    for (Odometer index(x.dims); index.valid(); index.next(), ++at) {
        if (x.get(at) != 0.0) {
            found.push_back(index.index());
        }
    }
    const auto rank = static_cast<std::int64_t>(x.dims.size());
    const auto count = static_cast<std::int64_t>(found.size());
    const auto out = call.output(0, DataType::kINT64, {rank, count}).as<std::int64_t>();
    for (std::size_t column = 0; column < found.size(); ++column) {
        for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
            out[axis * found.size() + column] = found[column][axis];
        }
    }
}

//! The input around the attribute's axis, or as one line of elements when there is no axis.
AxisView selection_view(const Call& call, const Tensor& x) {
    if (!call.attributes().has("axis")) {
        return AxisView(std::vector<std::int64_t>{x.volume()}, 0);
    }
    return AxisView(x.dims, checked_axis(call, call.attributes().integer("axis"), x.dims.size()));
}

//! The entries `picked` along the view's axis.
Tensor picked_along(const Call& call, const Tensor& x, const AxisView& view, const std::vector<std::int64_t>& picked) {
    std::vector<std::int64_t> dims{0};
    std::size_t axis = 0;
    if (call.attributes().has("axis")) {
        dims = x.dims;
        axis = checked_axis(call, call.attributes().integer("axis"), x.dims.size());
    }
    dims[axis] = static_cast<std::int64_t>(picked.size());
    Tensor out(x.dtype, dims);
    const AxisView to(dims, axis);
    for (std::int64_t outer = 0; outer < view.outer; ++outer) {
        for (std::int64_t i = 0; i < to.extent; ++i) {
            copy_elements(x, view.at(outer, picked[static_cast<std::size_t>(i)], 0), out, to.at(outer, i, 0), view.inner);
        }
    }
    return out;
}

//! Entries whose condition holds; a condition that is too short ends with false.
void compress(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& condition = call.input(1);
    const AxisView view = selection_view(call, x);
    std::vector<std::int64_t> picked;
    for (std::int64_t i = 0; i < std::min(condition.volume(), view.extent); ++i) {
        if (condition.get_integer(i) != 0) {
            picked.push_back(i);
        }
    }
    call.output(0, picked_along(call, x, view, picked));
}

//! -1, 0 or 1 as entry a along the axis comes before, is equal to or comes after entry b, element by element. NaN is behind all numbers.
int compare_entries(const Tensor& x, const AxisView& view, std::int64_t a, std::int64_t b) {
    const bool real = is_floating(x.dtype);
    for (std::int64_t i = 0; i < view.outer * view.inner; ++i) {
        const std::int64_t left = view.at(i / view.inner, a, i % view.inner);
        const std::int64_t right = view.at(i / view.inner, b, i % view.inner);
        if (!real && x.get_integer(left) != x.get_integer(right)) {
            return x.get_integer(left) < x.get_integer(right) ? -1 : 1;
        }
        const double l = real ? x.get(left) : 0.0;
        const double r = real ? x.get(right) : 0.0;
        if (std::isnan(l) != std::isnan(r)) {
            return std::isnan(r) ? -1 : 1;
        }
        if (l < r || r < l) {
            return l < r ? -1 : 1;
        }
    }
    return 0;
}

//! Groups of equal entries, each in order of occurrence; the groups in ascending order or, unsorted, by their first entries.
std::vector<std::vector<std::int64_t>> equal_entries(const Tensor& x, const AxisView& view, bool sorted) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(view.extent));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) { return compare_entries(x, view, a, b) < 0; });
    std::vector<std::vector<std::int64_t>> groups;
    for (const std::int64_t entry : order) {
        if (groups.empty() || compare_entries(x, view, groups.back().front(), entry) != 0) {
            groups.emplace_back();
        }
        groups.back().push_back(entry);
    }
    if (!sorted) {
        std::ranges::sort(groups, {}, [](const auto& group) { return group.front(); });
    }
    return groups;
}

void unique(Call& call) {
    const Tensor& x = call.input(0);
    const AxisView view = selection_view(call, x);
    const auto groups = equal_entries(x, view, call.attributes().flag("sorted", true));
    const auto count = static_cast<std::int64_t>(groups.size());
    Tensor first(DataType::kINT64, {count}), inverse(DataType::kINT64, {view.extent}), counts(DataType::kINT64, {count});
    std::vector<std::int64_t> picked;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        picked.push_back(groups[i].front());
        first.as<std::int64_t>()[i] = groups[i].front();
        counts.as<std::int64_t>()[i] = static_cast<std::int64_t>(groups[i].size());
        for (const std::int64_t entry : groups[i]) {
            inverse.set_integer(entry, static_cast<std::int64_t>(i));
        }
    }
    call.output(0, picked_along(call, x, view, picked));
    call.output(1, std::move(first));
    call.output(2, std::move(inverse));
    call.output(3, std::move(counts));
}

constexpr std::array kFunctions{
    Function{"Compress", compress},
    Function{"NonZero", non_zero},
    Function{"Unique", unique},
};

} // namespace

std::span<const Function> selection_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
