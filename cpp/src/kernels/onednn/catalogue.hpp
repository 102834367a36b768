// The CPU kernels that go through oneDNN.
#pragma once

#include "kernels/cpu/kernel.hpp"

namespace tensorvk::kernels::cpu {

[[nodiscard]] Run prepare_convolution(const Launch& launch);
[[nodiscard]] Run prepare_convolution_bf16(const Launch& launch);
[[nodiscard]] Run prepare_deconvolution(const Launch& launch);
[[nodiscard]] Run prepare_deconvolution_bf16(const Launch& launch);
[[nodiscard]] Run prepare_matrix(const Launch& launch);
[[nodiscard]] Run prepare_matrix_bf16(const Launch& launch);
[[nodiscard]] Run prepare_quantized_convolution(const Launch& launch);
[[nodiscard]] Run prepare_quantized_deconvolution(const Launch& launch);
[[nodiscard]] Run prepare_quantized_matrix(const Launch& launch);

} // namespace tensorvk::kernels::cpu
