#include "builder/verdict.hpp"

#include <algorithm>
#include <cmath>

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::builder {

namespace {

float relative_error(const kernels::host::Tensor& result, const kernels::host::Tensor& reference) {
    double largest = 0.0;
    double difference = 0.0;
    for (std::int64_t i = 0; i < reference.volume(); ++i) {
        const double a = result.get(i);
        const double b = reference.get(i);
        if (a == b || (std::isnan(a) && std::isnan(b))) {
            largest = std::isfinite(b) ? std::max(largest, std::abs(b)) : largest;
            continue;
        }
        if (!std::isfinite(a) || !std::isfinite(b)) {
            return INFINITY;
        }
        largest = std::max(largest, std::abs(b));
        difference = std::max(difference, std::abs(a - b));
    }
    return static_cast<float>(largest > 0.0 ? difference / largest : difference);
}

} // namespace

float allowed_error(DataType dtype, OnTheWay rounded) {
    // Two correct kernels differ by the order of their float32 sums, and in float16 by one rounding of the result as well.
    constexpr float kFloat = 1e-4f; // some 1,000 roundings of 2^-24 in a sum of thousands of terms
    constexpr float kHalf = 4e-3f;  // two units in the last place of a value as large as the largest
    constexpr float kBfloat = 8 * kHalf; // the same; weights may be rounded to it as well
    if (!is_floating(dtype)) {
        return 0.0f;
    }
    if (dtype == DataType::kBF16 || rounded == OnTheWay::kBFLOAT) {
        return kBfloat;
    }
    return dtype == DataType::kFLOAT && rounded == OnTheWay::kEXACT ? kFloat : kHalf;
}

Verdict compare(std::span<const kernels::host::Tensor> results, std::span<const kernels::host::Tensor> reference, OnTheWay rounded) {
    Verdict verdict;
    for (std::size_t i = 0; i < results.size(); ++i) {
        const float error = relative_error(results[i], reference[i]);
        verdict.error = std::max(verdict.error, error);
        verdict.correct = verdict.correct && error <= allowed_error(results[i].dtype, rounded);
    }
    if (!verdict.correct) {
        verdict.refusal = text("dropped: differs from the generic kernel by ", verdict.error, " of the largest value");
    }
    return verdict;
}

} // namespace tensorvk::builder
