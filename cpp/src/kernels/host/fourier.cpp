#include "kernels/host/fourier.hpp"

#include <bit>
#include <cstddef>
#include <numbers>
#include <span>

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

//! Factors above this are transformed by convolution: their square is more work.
constexpr std::size_t kLargestDirect = 100;

//! A transform of any length as a convolution with a chirp (Bluestein, 1970): n k = (n^2 + k^2 - (k - n)^2) / 2, and a convolution is a product
//! of transforms whose length is a power of two.
class Chirp {
public:
    Chirp(std::size_t n, bool inverse) : chirp_(n), spectrum_(std::bit_ceil(2 * n)) {
        const double half_turn = (inverse ? 1.0 : -1.0) * std::numbers::pi / static_cast<double>(n);
        for (std::size_t i = 0; i < n; ++i) {
            chirp_[i] = std::polar(1.0, half_turn * static_cast<double>(i * i % (2 * n))); // small angles keep their digits
            spectrum_[i] = std::conj(chirp_[i]);
            spectrum_[(spectrum_.size() - i) % spectrum_.size()] = spectrum_[i];
        }
        spectrum_ = fourier_transform(std::move(spectrum_), false);
    }

    //! Without the division by n.
    [[nodiscard]] std::vector<Complex> operator()(std::span<const Complex> x) const {
        std::vector<Complex> y(spectrum_.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
            y[i] = x[i] * chirp_[i];
        }
        y = fourier_transform(std::move(y), false);
        for (std::size_t i = 0; i < y.size(); ++i) {
            y[i] *= spectrum_[i];
        }
        y = fourier_transform(std::move(y), true);
        y.resize(x.size());
        for (std::size_t i = 0; i < y.size(); ++i) {
            y[i] *= chirp_[i];
        }
        return y;
    }

private:
    std::vector<Complex> chirp_, spectrum_;
};

//! The transform of n elements from those of its `parts`, each every so many'th element: small factors term by term.
std::vector<Complex> combine(const std::vector<std::vector<Complex>>& parts, std::size_t n, std::size_t stride, const std::vector<Complex>& roots) {
    std::vector<Complex> y(n);
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t f = 0; f < parts.size(); ++f) {
            y[k] += parts[f][k % parts[f].size()] * roots[f * k % n * stride];
        }
    }
    return y;
}

//! The same for large factors: one transform over the parts per element of a part.
std::vector<Complex> combine_many(const std::vector<std::vector<Complex>>& parts, std::size_t n, std::size_t stride,
                                  const std::vector<Complex>& roots) {
    const std::size_t part = n / parts.size();
    const Chirp chirp(parts.size(), roots.size() > 1 && roots[1].imag() > 0.0);
    std::vector<Complex> y(n), line(parts.size());
    for (std::size_t k = 0; k < part; ++k) {
        for (std::size_t f = 0; f < parts.size(); ++f) {
            line[f] = parts[f][k] * roots[f * k % n * stride];
        }
        const std::vector<Complex> transformed = chirp(line);
        for (std::size_t m = 0; m < parts.size(); ++m) {
            y[k + m * part] = transformed[m];
        }
    }
    return y;
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
    return factor > kLargestDirect ? combine_many(parts, n, stride, roots) : combine(parts, n, stride, roots);
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
