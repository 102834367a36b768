// The table of all CPU kernels: one line for each.
#pragma once

#include <span>

#include "kernels/cpu/kernel.hpp"

namespace tensorvk::kernels::cpu {

[[nodiscard]] Run prepare_pointwise(const Launch& launch);
[[nodiscard]] Run prepare_convolution(const Launch& launch);
[[nodiscard]] Run prepare_deconvolution(const Launch& launch);
[[nodiscard]] Run prepare_matrix(const Launch& launch);

[[nodiscard]] std::span<const Kernel> catalogue() noexcept;

} // namespace tensorvk::kernels::cpu
