// The table of all CPU kernels: one line for each.
#pragma once

#include <span>

#include "kernels/cpu/kernel.hpp"

namespace tensorvk::kernels::cpu {

[[nodiscard]] Run prepare_pointwise(const Launch& launch);
[[nodiscard]] Run prepare_recurrent(const Launch& launch);
[[nodiscard]] Run prepare_pooling_f32(const Launch& launch);
[[nodiscard]] Run prepare_pooling_bf16(const Launch& launch);
[[nodiscard]] Run prepare_pooling_i8(const Launch& launch);
[[nodiscard]] Run prepare_pooling_u8(const Launch& launch);
[[nodiscard]] Run prepare_reduce_f32(const Launch& launch);
[[nodiscard]] Run prepare_reduce_bf16(const Launch& launch);
[[nodiscard]] Run prepare_reduce_i32(const Launch& launch);
[[nodiscard]] Run prepare_resize(const Launch& launch);
[[nodiscard]] Run prepare_resize_bf16(const Launch& launch);
[[nodiscard]] Run prepare_softmax(const Launch& launch);
[[nodiscard]] Run prepare_softmax_bf16(const Launch& launch);
[[nodiscard]] Run prepare_tiled_convolution_f32(const Launch& launch);
[[nodiscard]] Run prepare_tiled_deconvolution_f32(const Launch& launch);
[[nodiscard]] Run prepare_tiled_convolution_int8(const Launch& launch);
[[nodiscard]] Run prepare_tiled_deconvolution_int8(const Launch& launch);
[[nodiscard]] Run prepare_tiled_matrix_f32(const Launch& launch);
[[nodiscard]] Run prepare_tiled_matrix_int8(const Launch& launch);
[[nodiscard]] Run prepare_winograd(const Launch& launch);
[[nodiscard]] Run prepare_topk(const Launch& launch);
[[nodiscard]] Run prepare_widen_blocks(const Launch& launch);
[[nodiscard]] Run prepare_shape_values(const Launch& launch);
[[nodiscard]] Run prepare_copy_1(const Launch& launch);
[[nodiscard]] Run prepare_copy_2(const Launch& launch);
[[nodiscard]] Run prepare_copy_4(const Launch& launch);
[[nodiscard]] Run prepare_copy_8(const Launch& launch);
[[nodiscard]] Run prepare_copy_16(const Launch& launch);
[[nodiscard]] Run prepare_bounded_copy_1(const Launch& launch);
[[nodiscard]] Run prepare_bounded_copy_2(const Launch& launch);
[[nodiscard]] Run prepare_bounded_copy_4(const Launch& launch);
[[nodiscard]] Run prepare_bounded_copy_8(const Launch& launch);
[[nodiscard]] Run prepare_bounded_copy_16(const Launch& launch);
[[nodiscard]] Run prepare_gather_1(const Launch& launch);
[[nodiscard]] Run prepare_gather_2(const Launch& launch);
[[nodiscard]] Run prepare_gather_4(const Launch& launch);
[[nodiscard]] Run prepare_gather_8(const Launch& launch);
[[nodiscard]] Run prepare_gather_16(const Launch& launch);

[[nodiscard]] std::span<const Kernel> catalogue() noexcept;

} // namespace tensorvk::kernels::cpu
