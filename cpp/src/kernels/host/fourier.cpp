#include "kernels/host/fourier.hpp"

#include <cstddef>
#include <numbers>

namespace tensorvk::kernels::host {

namespace {

using Complex = std::complex<double>;

std::size_t smallest_factor(std::size_t n) {
    for (std::size_t factor = 2; factor * factor <= n; ++factor) {
        if (n % factor == 0) {
            return factor;
        }
    }
    return n;
}

//! `roots[i]` is exp(-+ 2 pi i / N)^i for the whole transform of N = roots.size(); this part has n elements of it, `stride` apart.
std::vector<Complex> transform(const Complex* x, std::size_t n, std::size_t stride, const std::vector<Complex>& roots) {
    if (n == 1) {
        return {*x};
    }
    const std::size_t factor = smallest_factor(n);
    const std::size_t part = n / factor;
    std::vector<std::vector<Complex>> parts;
    for (std::size_t f = 0; f < factor; ++f) {
        parts.push_back(transform(x + f * stride, part, stride * factor, roots));
    }
    std::vector<Complex> y(n);
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t f = 0; f < factor; ++f) {
            y[k] += parts[f][k % part] * roots[f * k % n * stride];
        }
    }
    return y;
}

} // namespace

std::vector<Complex> fourier_transform(std::vector<Complex> x, bool inverse) {
    const std::size_t n = x.size();
    if (n == 0) {
        return x;
    }
    const double turn = (inverse ? 2.0 : -2.0) * std::numbers::pi / static_cast<double>(n);
    std::vector<Complex> roots(n);
    for (std::size_t i = 0; i < n; ++i) {
        roots[i] = std::polar(1.0, turn * static_cast<double>(i));
    }
    std::vector<Complex> y = transform(x.data(), n, 1, roots);
    for (Complex& value : y) {
        value = inverse ? value / static_cast<double>(n) : value;
    }
    return y;
}

} // namespace tensorvk::kernels::host
