// Functions along one axis that keep it: running sums, the largest elements, and determinants.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "kernels/host/elements.hpp"
#include "kernels/host/functions.hpp"
#include "kernels/host/rows.hpp"

namespace tensorvk::kernels::host {

namespace {

using Ints = std::vector<std::int64_t>;

struct Running {
    std::int64_t neutral;
    double (*reals)(double, double);
    std::uint64_t (*wholes)(std::uint64_t, std::uint64_t); // wraps
};

constexpr Running kSum{0, [](double a, double b) { return a + b; }, [](std::uint64_t a, std::uint64_t b) { return a + b; }};
constexpr Running kProduct{1, [](double a, double b) { return a * b; }, [](std::uint64_t a, std::uint64_t b) { return a * b; }};

//! ONNX CumSum and CumProd: "exclusive" leaves out the element itself, "reverse" begins at the end.
template <const Running& R>
void running(Call& call) {
    const Tensor& x = call.input(0);
    const AxisView view(x.dims, checked_axis(call, call.integer(1), x.dims.size()));
    const bool exclusive = call.attributes().flag("exclusive");
    const bool reverse = call.attributes().flag("reverse");
    const bool exact = !is_floating(x.dtype);
    Tensor& out = call.output(0, x.dtype, x.dims);
    for (std::int64_t line = 0; line < view.outer * view.inner; ++line) {
        double real = static_cast<double>(R.neutral);
        auto whole = static_cast<std::uint64_t>(R.neutral);
        for (std::int64_t i = 0; i < view.extent; ++i) {
            const std::int64_t at = view.at(line / view.inner, reverse ? view.extent - 1 - i : i, line % view.inner);
            const double before = real;
            const std::uint64_t whole_before = whole;
            if (exact) {
                whole = R.wholes(whole, static_cast<std::uint64_t>(x.get_integer(at)));
                out.set_integer(at, static_cast<std::int64_t>(exclusive ? whole_before : whole));
            } else {
                real = R.reals(real, x.get(at));
                out.set(at, exclusive ? before : real);
            }
        }
    }
}

//! Whether element a comes before element b: numbers by size and, NaN being larger than all, then NaN.
bool comes_first(const Tensor& x, std::int64_t a, std::int64_t b, bool largest) {
    if (!is_floating(x.dtype)) {
        return largest ? x.get_integer(a) > x.get_integer(b) : x.get_integer(a) < x.get_integer(b);
    }
    const double left = x.get(a);
    const double right = x.get(b);
    if (std::isnan(left) || std::isnan(right)) {
        return largest ? std::isnan(left) && !std::isnan(right) : !std::isnan(left) && std::isnan(right);
    }
    return largest ? left > right : left < right;
}

//! Of equal elements the first comes first.
void top_k(Call& call) {
    const Tensor& x = call.input(0);
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", -1), x.dims.size());
    const AxisView view(x.dims, axis);
    const std::int64_t k = call.integer(1);
    if (k < 0 || k > view.extent) {
        call.fail("selects ", k, " elements along axis ", axis, "; allowed are 0 to ", view.extent, ".");
    }
    const bool largest = call.attributes().flag("largest", true);
    Ints dims = x.dims;
    dims[axis] = k;
    Tensor& values = call.output(0, x.dtype, dims);
    const AxisView to(dims, axis);
    Tensor places(DataType::kINT64, dims);
    Ints order(static_cast<std::size_t>(view.extent));
    for (std::int64_t line = 0; line < view.outer * view.inner; ++line) {
        const auto at = [&](std::int64_t i) { return view.at(line / view.inner, i, line % view.inner); };
        std::iota(order.begin(), order.end(), std::int64_t{0});
        std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) { return comes_first(x, at(a), at(b), largest); });
        for (std::int64_t i = 0; i < k; ++i) {
            const std::int64_t target = to.at(line / view.inner, i, line % view.inner);
            copy_element(x, at(order[static_cast<std::size_t>(i)]), values, target);
            places.set_integer(target, order[static_cast<std::size_t>(i)]);
        }
    }
    call.output(1, std::move(places));
}

//! Places of the best elements; of equal ones the first, or the last with select_last_index.
template <bool Largest>
void arg(Call& call) {
    const Tensor& x = call.input(0);
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", 0), x.dims.size());
    const AxisView view(x.dims, axis);
    if (view.extent == 0) {
        call.fail("looks for the best of no elements along axis ", axis, ".");
    }
    const bool last = call.attributes().flag("select_last_index");
    Ints dims = x.dims;
    dims[axis] = 1;
    if (!call.attributes().flag("keepdims", true)) {
        dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
    }
    Tensor& out = call.output(0, DataType::kINT64, std::move(dims));
    for (std::int64_t line = 0; line < view.outer * view.inner; ++line) {
        const auto at = [&](std::int64_t i) { return view.at(line / view.inner, i, line % view.inner); };
        std::int64_t best = 0;
        for (std::int64_t i = 1; i < view.extent; ++i) {
            const bool better = last ? !comes_first(x, at(best), at(i), Largest) : comes_first(x, at(i), at(best), Largest);
            best = better ? i : best;
        }
        out.set_integer(line, best);
    }
}

//! 1 at the first largest element along the axis, 0 elsewhere. Until opset 13 everything from the axis on is one axis.
void hardmax(Call& call) {
    const Tensor& x = call.input(0);
    const bool flattens = call.attributes().integer("opset", 13) < 13;
    const std::size_t axis = checked_axis(call, call.attributes().integer("axis", flattens ? 1 : -1), x.dims.size());
    AxisView view(x.dims, axis);
    if (flattens) {
        view.extent *= view.inner;
        view.inner = 1;
    }
    Tensor& out = call.output(0, x.dtype, x.dims);
    for (std::int64_t line = 0; line < view.outer * view.inner && view.extent > 0; ++line) {
        const auto at = [&](std::int64_t i) { return view.at(line / view.inner, i, line % view.inner); };
        std::int64_t best = 0;
        for (std::int64_t i = 1; i < view.extent; ++i) {
            best = x.get(at(i)) > x.get(at(best)) ? i : best;
        }
        out.set(at(best), 1.0);
    }
}

//! Gaussian elimination with row pivoting, in double.
double determinant(std::vector<double> m, std::size_t n) {
    double result = 1.0;
    for (std::size_t k = 0; k < n; ++k) {
        std::size_t pivot = k;
        for (std::size_t row = k + 1; row < n; ++row) {
            pivot = std::abs(m[row * n + k]) > std::abs(m[pivot * n + k]) ? row : pivot;
        }
        if (m[pivot * n + k] == 0.0) {
            return 0.0;
        }
        if (pivot != k) {
            std::swap_ranges(m.begin() + static_cast<std::ptrdiff_t>(k * n), m.begin() + static_cast<std::ptrdiff_t>(k * n + n),
                             m.begin() + static_cast<std::ptrdiff_t>(pivot * n));
            result = -result;
        }
        result *= m[k * n + k];
        for (std::size_t row = k + 1; row < n; ++row) {
            const double factor = m[row * n + k] / m[k * n + k];
            for (std::size_t column = k; column < n; ++column) {
                m[row * n + column] -= factor * m[k * n + column];
            }
        }
    }
    return result;
}

void det(Call& call) {
    const Tensor& x = call.input(0);
    if (x.dims.size() < 2 || x.dims.back() != x.dims[x.dims.size() - 2]) {
        call.fail("needs square matrices in the last two dimensions.");
    }
    const std::int64_t n = x.dims.back();
    Tensor& out = call.output(0, x.dtype, Ints(x.dims.begin(), x.dims.end() - 2));
    std::vector<double> matrix(static_cast<std::size_t>(n * n));
    for (std::int64_t at = 0; at < out.volume(); ++at) {
        for (std::int64_t i = 0; i < n * n; ++i) {
            matrix[static_cast<std::size_t>(i)] = x.get(at * n * n + i);
        }
        out.set(at, determinant(matrix, static_cast<std::size_t>(n)));
    }
}

void top_k_of_rows(Call& call) {
    const AttributeSet& a = call.attributes();
    const Tensor& x = call.input(0);
    const std::size_t axis = checked_axis(call, a.integer("axis", -1), x.dims.size());
    const std::int64_t k = a.integer("k", 1);
    if (k < 0 || k > x.dims[axis]) {
        call.fail("selects ", k, " elements along axis ", axis, " of ", x.dims[axis], ".");
    }
    const auto op = a.flag("smallest", false) ? TopKOperation::kMIN : TopKOperation::kMAX;
    auto [values, indices] = topk(x, op, static_cast<std::int64_t>(axis), k, a.flag("select_last", false),
                                  a.flag("wide", false) ? DataType::kINT64 : DataType::kINT32, a.flag("nan_first", false));
    if (a.flag("drop", false)) {
        values.dims.erase(values.dims.begin() + static_cast<std::ptrdiff_t>(axis));
        indices.dims = values.dims;
    }
    call.output(0, std::move(values));
    call.output(1, std::move(indices));
}

constexpr std::array kFunctions{
    Function{"ArgMax", arg<true>},      Function{"ArgMin", arg<false>}, Function{"CumProd", running<kProduct>},
    Function{"CumSum", running<kSum>},  Function{"Det", det},           Function{"Hardmax", hardmax},
    Function{"TopK", top_k},            Function{kTopKFunction, top_k_of_rows},
};

} // namespace

std::span<const Function> along_axis_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
