// Discrete Fourier transform of any length.
#pragma once

#include <complex>
#include <vector>

namespace tensorvk::kernels::host {

//! y[k] = sum over n of x[n] exp(-2 pi i k n / N), by splitting N into its prime factors (Cooley and Tukey, 1965), large ones of
//! which are convolutions: N log N operations. `inverse`: the sign is plus, and the result is divided by N.
[[nodiscard]] std::vector<std::complex<double>> fourier_transform(std::vector<std::complex<double>> x, bool inverse);

} // namespace tensorvk::kernels::host
