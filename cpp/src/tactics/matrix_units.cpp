#include "tactics/matrix_units.hpp"

#include <algorithm>

#include "support/error.hpp"

namespace tensorvk::tactics {

namespace {

bool has_shape(const vulkan::DeviceCaps& caps) {
    using vulkan::MatrixType;
    return std::any_of(caps.matrix_shapes.begin(), caps.matrix_shapes.end(), [](const vulkan::MatrixShape& s) {
        return s.m == 16 && s.n == 16 && s.k == 16 && s.a == MatrixType::kFloat16 && s.b == MatrixType::kFloat16 &&
               s.c == MatrixType::kFloat32 && s.result == MatrixType::kFloat32;
    });
}

} // namespace

std::string refuse_half_matrices(const vulkan::DeviceCaps& caps) {
    if (!caps.cooperative_matrix || !caps.vulkan_memory_model) return "the device has no cooperative matrices";
    if (!caps.fp16_arithmetic || !caps.fp16_storage) return "the device does not use float16 in arithmetic or storage";
    if (!has_shape(caps)) return "the device has no 16x16x16 cooperative matrices of float16 with float32 sums";
    if (caps.subgroup_size != 32) return text("the device's subgroups have ", caps.subgroup_size, " lanes, the kernel is made for 32");
    return {};
}

} // namespace tensorvk::tactics
