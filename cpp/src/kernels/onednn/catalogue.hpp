// The CPU kernels that go through oneDNN.
#pragma once

#include "kernels/cpu/kernel.hpp"
#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

[[nodiscard]] Run prepare_convolution(const Launch& launch);
[[nodiscard]] Run prepare_deconvolution(const Launch& launch);
[[nodiscard]] Run prepare_matrix(const Launch& launch);
[[nodiscard]] Run prepare_quantized_convolution(const Launch& launch);
[[nodiscard]] Run prepare_quantized_deconvolution(const Launch& launch);
[[nodiscard]] Run prepare_quantized_matrix(const Launch& launch);

[[nodiscard]] const Workers& openmp_workers() noexcept;

} // namespace tensorvk::kernels::cpu
