#include "kernels/host/rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/host/index.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::host {

namespace {

std::vector<std::int64_t> keep_where(const std::vector<std::int64_t>& dims, std::uint32_t axes, bool reduced) {
    std::vector<std::int64_t> out = dims; // the other axes get extent 1
    for (std::size_t a = 0; a < dims.size(); ++a) {
        out[a] = ((axes >> a & 1u) != 0) == reduced ? dims[a] : 1;
    }
    return out;
}

template <typename T>
T join(ReduceOperation op, T a, T b) {
    switch (op) {
    case ReduceOperation::kPROD: return a * b;
    case ReduceOperation::kMAX: return std::max(a, b);
    case ReduceOperation::kMIN: return std::min(a, b);
    case ReduceOperation::kSUM:
    case ReduceOperation::kAVG: break;
    }
    return a + b;
}

template <typename T>
T neutral(ReduceOperation op) {
    using Limits = std::numeric_limits<T>;
    const T lowest = Limits::has_infinity ? -Limits::infinity() : Limits::min();
    const T highest = Limits::has_infinity ? Limits::infinity() : Limits::max();
    return op == ReduceOperation::kPROD ? T{1} : op == ReduceOperation::kMAX ? lowest : op == ReduceOperation::kMIN ? highest : T{0};
}

template <typename T, typename Get>
T reduce_row(const std::vector<std::int64_t>& extent, const std::vector<std::int64_t>& strides, std::int64_t base, ReduceOperation op, Get get) {
    T value = neutral<T>(op);
    std::int64_t count = 0;
    for (Odometer i(extent); i.valid(); i.next(), ++count) {
        value = join(op, value, get(base + i.offset(strides)));
    }
    return op == ReduceOperation::kAVG && (count > 0 || std::is_floating_point_v<T>) ? value / static_cast<T>(count) : value;
}

} // namespace

Tensor reduce(const Tensor& x, ReduceOperation op, std::uint32_t axes, bool keep_dims) {
    const std::vector<std::int64_t> kept = keep_where(x.dims, axes, false);
    const std::vector<std::int64_t> reduced = keep_where(x.dims, axes, true);
    const std::vector<std::int64_t> strides = row_major_strides(x.dims);
    Tensor y(x.dtype, kept);
    std::int64_t at = 0;
    for (Odometer o(kept); o.valid(); o.next(), ++at) {
        const std::int64_t base = o.offset(strides);
        if (is_floating(x.dtype)) {
            y.set(at, reduce_row<double>(reduced, strides, base, op, [&](std::int64_t i) { return x.get(i); }));
        } else {
            y.set_integer(at, reduce_row<std::int64_t>(reduced, strides, base, op, [&](std::int64_t i) { return x.get_integer(i); }));
        }
    }
    if (!keep_dims) {
        y.dims.clear();
        for (std::size_t a = 0; a < x.dims.size(); ++a) {
            if ((axes >> a & 1u) == 0) {
                y.dims.push_back(x.dims[a]);
            }
        }
    }
    return y;
}

Tensor softmax(const Tensor& x, std::int64_t axis, bool log) {
    Tensor y(x.dtype, x.dims);
    const auto a = static_cast<std::size_t>(axis);
    const std::int64_t stride = row_major_strides(x.dims)[a];
    const std::int64_t extent = x.dims[a];
    for (Odometer o(keep_where(x.dims, 1u << a, false)); o.valid() && extent > 0; o.next()) {
        const std::int64_t base = o.offset(row_major_strides(x.dims));
        double largest = -std::numeric_limits<double>::infinity();
        for (std::int64_t i = 0; i < extent; ++i) {
            largest = std::max(largest, x.get(base + i * stride));
        }
        double sum = 0.0;
        for (std::int64_t i = 0; i < extent; ++i) {
            sum += std::exp(x.get(base + i * stride) - largest);
        }
        for (std::int64_t i = 0; i < extent; ++i) {
            const double v = x.get(base + i * stride) - largest;
            y.set(base + i * stride, log ? v - std::log(sum) : std::exp(v) / sum);
        }
    }
    return y;
}

std::pair<Tensor, Tensor> topk(const Tensor& x, TopKOperation op, std::int64_t axis, std::int64_t k, bool select_last, DataType indices, bool nan_first) {
    const auto a = static_cast<std::size_t>(axis);
    if (k < 0 || k > x.dims[a]) {
        throw InvalidArgument(text("Top-k asks for ", k, " elements of axis ", axis, ", which has ", x.dims[a], "."));
    }
    std::vector<std::int64_t> dims = x.dims;
    dims[a] = k;
    std::pair<Tensor, Tensor> out{Tensor(x.dtype, dims), Tensor(indices, dims)};
    const std::vector<std::int64_t> from = row_major_strides(x.dims);
    const std::vector<std::int64_t> to = row_major_strides(dims);
    std::vector<std::int64_t> order(static_cast<std::size_t>(x.dims[a]));
    for (Odometer o(keep_where(x.dims, 1u << a, false)); o.valid(); o.next()) {
        const auto value = [&](std::int64_t i) { return x.get(o.offset(from) + i * from[a]); };
        std::iota(order.begin(), order.end(), 0);
        if (select_last) {
            std::reverse(order.begin(), order.end());
        }
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) {
            const bool nan = std::isnan(value(i)), other = std::isnan(value(j));
            if (nan || other) return nan != other && nan == (nan_first || op == TopKOperation::kMAX);
            return op == TopKOperation::kMAX ? value(i) > value(j) : value(i) < value(j);
        });
        for (std::int64_t j = 0; j < k; ++j) {
            const std::int64_t place = order[static_cast<std::size_t>(j)];
            out.first.set(o.offset(to) + j * to[a], value(place));
            out.second.set_integer(o.offset(to) + j * to[a], place);
        }
    }
    return out;
}

} // namespace tensorvk::kernels::host
