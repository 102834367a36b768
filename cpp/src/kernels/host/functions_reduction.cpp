// Reductions along axes that may be data.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/host/elements.hpp"
#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

namespace {

using Ints = std::vector<std::int64_t>;
using Reals = std::span<const double>;
using Wholes = std::span<const std::int64_t>;

double sum(Reals x) { return std::accumulate(x.begin(), x.end(), 0.0); }
double sum_of_squares(Reals x) { return std::inner_product(x.begin(), x.end(), x.begin(), 0.0); }
double sum_of_magnitudes(Reals x) {
    return std::accumulate(x.begin(), x.end(), 0.0, [](double a, double b) { return a + std::abs(b); });
}
double product(Reals x) { return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<>()); }
//! NaN wins, as in numpy.
double maximum(Reals x) {
    return std::accumulate(x.begin(), x.end(), -std::numeric_limits<double>::infinity(),
                           [](double a, double b) { return std::isnan(a) || a > b ? a : b; });
}
double minimum(Reals x) {
    return std::accumulate(x.begin(), x.end(), std::numeric_limits<double>::infinity(),
                           [](double a, double b) { return std::isnan(a) || a < b ? a : b; });
}
double mean(Reals x) { return sum(x) / static_cast<double>(x.size()); }
//! log(sum(exp(x))) with the largest element taken out, so that nothing overflows.
double log_sum_exp(Reals x) {
    const double largest = maximum(x);
    if (!std::isfinite(largest)) {
        return largest; // also for no elements: log(0)
    }
    return largest + std::log(std::accumulate(x.begin(), x.end(), 0.0, [largest](double a, double b) { return a + std::exp(b - largest); }));
}

std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }
std::int64_t whole_sum(Wholes x) {
    return std::accumulate(x.begin(), x.end(), std::int64_t{0}, [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) + bits(b)); });
}
std::int64_t whole_product(Wholes x) {
    return std::accumulate(x.begin(), x.end(), std::int64_t{1}, [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) * bits(b)); });
}
std::int64_t whole_squares(Wholes x) {
    return std::accumulate(x.begin(), x.end(), std::int64_t{0}, [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) + bits(b) * bits(b)); });
}
std::int64_t whole_magnitudes(Wholes x) {
    return std::accumulate(x.begin(), x.end(), std::int64_t{0},
                           [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) + (b < 0 ? 0 - bits(b) : bits(b))); });
}

struct Reduction {
    double (*reals)(Reals);
    std::int64_t (*wholes)(Wholes) = nullptr; // exact for integers; null: as reals
};

constexpr Reduction kL1{sum_of_magnitudes, whole_magnitudes};
constexpr Reduction kL2{[](Reals x) { return std::sqrt(sum_of_squares(x)); }};
constexpr Reduction kLogSum{[](Reals x) { return std::log(sum(x)); }};
constexpr Reduction kLogSumExp{log_sum_exp};
constexpr Reduction kMax{maximum, [](Wholes x) { return *std::ranges::max_element(x); }};
constexpr Reduction kMean{mean, [](Wholes x) { return whole_sum(x) / static_cast<std::int64_t>(x.size()); }};
constexpr Reduction kMin{minimum, [](Wholes x) { return *std::ranges::min_element(x); }};
constexpr Reduction kProd{product, whole_product};
constexpr Reduction kSum{sum, whole_sum};
constexpr Reduction kSumSquare{sum_of_squares, whole_squares};

//! Which axes go. No axes means all of them, or none with noop_with_empty_axes.
std::vector<bool> reduced_axes(const Call& call, const Tensor& x) {
    Ints given = call.attributes().integers("axes");
    if (const Tensor* axes = call.optional_input(1)) {
        given = numbers_of(*axes);
    }
    std::vector<bool> reduced(x.dims.size(), given.empty() && !call.attributes().flag("noop_with_empty_axes"));
    for (const std::int64_t value : given) {
        const std::size_t axis = checked_axis(call, value, x.dims.size());
        if (reduced[axis]) {
            call.fail("names axis ", value, " twice.");
        }
        reduced[axis] = true;
    }
    return reduced;
}

//! Offsets of all elements of the axes for which `take` says `wanted`.
Ints offsets_along(const Tensor& x, const std::vector<bool>& take, bool wanted) {
    const Ints strides = row_major_strides(x.dims);
    Ints dims, steps;
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
        if (take[i] == wanted) {
            dims.push_back(x.dims[i]);
            steps.push_back(strides[i]);
        }
    }
    Ints offsets;
    for (Odometer position(dims); position.valid(); position.next()) {
        offsets.push_back(position.offset(steps));
    }
    return offsets;
}

template <const Reduction& R>
void reduce(Call& call) {
    const Tensor& x = call.input(0);
    const std::vector<bool> reduced = reduced_axes(call, x);
    const bool keep = call.attributes().flag("keepdims", true);
    Ints dims;
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
        if (!reduced[i] || keep) {
            dims.push_back(reduced[i] ? 1 : x.dims[i]);
        }
    }
    Tensor& out = call.output(0, x.dtype, std::move(dims));
    const Ints starts = offsets_along(x, reduced, false);
    const Ints steps = offsets_along(x, reduced, true);
    const bool exact = !is_floating(x.dtype) && R.wholes != nullptr && !steps.empty();
    std::vector<double> reals(steps.size());
    Ints wholes(exact ? steps.size() : 0);
    for (std::size_t at = 0; at < starts.size(); ++at) {
        const std::int64_t start = starts[at];
        if (exact) {
            std::ranges::transform(steps, wholes.begin(), [&](std::int64_t step) { return x.get_integer(start + step); });
            out.set_integer(static_cast<std::int64_t>(at), R.wholes(wholes));
        } else {
            std::ranges::transform(steps, reals.begin(), [&](std::int64_t step) { return x.get(start + step); });
            out.set(static_cast<std::int64_t>(at), R.reals(reals));
        }
    }
}

constexpr std::array kFunctions{
    Function{"ReduceL1", reduce<kL1>},
    Function{"ReduceL2", reduce<kL2>},
    Function{"ReduceLogSum", reduce<kLogSum>},
    Function{"ReduceLogSumExp", reduce<kLogSumExp>},
    Function{"ReduceMax", reduce<kMax>},
    Function{"ReduceMean", reduce<kMean>},
    Function{"ReduceMin", reduce<kMin>},
    Function{"ReduceProd", reduce<kProd>},
    Function{"ReduceSum", reduce<kSum>},
    Function{"ReduceSumSquare", reduce<kSumSquare>},
};

} // namespace

std::span<const Function> reduction_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
