#include "kernels/cpu/catalogue.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr Kernel kKernels[] = {
    {"cpu/pointwise:words", 1, prepare_pointwise},
    {"cpu/recurrent:f32", 1, prepare_recurrent},
    {"cpu/pooling:f32", 1, prepare_pooling_f32},
    {"cpu/pooling:bf16", 1, prepare_pooling_bf16},
    {"cpu/pooling:i8", 1, prepare_pooling_i8},
    {"cpu/pooling:u8", 1, prepare_pooling_u8},
    {"cpu/reduce:f32", 1, prepare_reduce_f32},
    {"cpu/reduce:bf16", 1, prepare_reduce_bf16},
    {"cpu/reduce:i32", 1, prepare_reduce_i32},
    {"cpu/resize:f32", 1, prepare_resize},
    {"cpu/resize:bf16", 1, prepare_resize_bf16},
    {"cpu/softmax:f32", 1, prepare_softmax},
    {"cpu/softmax:bf16", 1, prepare_softmax_bf16},
    {"cpu/tiled_convolution:f32", 1, prepare_tiled_convolution_f32},
    {"cpu/tiled_convolution:transposed_f32", 1, prepare_tiled_deconvolution_f32},
    {"cpu/tiled_convolution:int8", 1, prepare_tiled_convolution_int8},
    {"cpu/tiled_convolution:transposed_int8", 1, prepare_tiled_deconvolution_int8},
    {"cpu/tiled_matrix:f32", 1, prepare_tiled_matrix_f32},
    {"cpu/tiled_matrix:int8", 1, prepare_tiled_matrix_int8},
    {"cpu/widen_blocks:f32", 1, prepare_widen_blocks},
    {"cpu/winograd:f32", 2, prepare_winograd},
    {"cpu/topk:f32", 1, prepare_topk},
    {"cpu/shape_values:words", 1, prepare_shape_values},
    {"cpu/copy:b8", 1, prepare_copy_1},
    {"cpu/copy:b16", 1, prepare_copy_2},
    {"cpu/copy:b32", 1, prepare_copy_4},
    {"cpu/copy:b64", 1, prepare_copy_8},
    {"cpu/copy:b128", 1, prepare_copy_16},
    {"cpu/copy:bounded_b8", 1, prepare_bounded_copy_1},
    {"cpu/copy:bounded_b16", 1, prepare_bounded_copy_2},
    {"cpu/copy:bounded_b32", 1, prepare_bounded_copy_4},
    {"cpu/copy:bounded_b64", 1, prepare_bounded_copy_8},
    {"cpu/copy:bounded_b128", 1, prepare_bounded_copy_16},
    {"cpu/gather:b8", 1, prepare_gather_1},
    {"cpu/gather:b16", 1, prepare_gather_2},
    {"cpu/gather:b32", 1, prepare_gather_4},
    {"cpu/gather:b64", 1, prepare_gather_8},
    {"cpu/gather:b128", 1, prepare_gather_16},
};

} // namespace

std::span<const Kernel> catalogue() noexcept { return kKernels; }

} // namespace tensorvk::kernels::cpu
