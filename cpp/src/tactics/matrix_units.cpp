#include "tactics/matrix_units.hpp"

#include <algorithm>

#include "support/error.hpp"

namespace tensorvk::tactics {

namespace {

using vulkan::MatrixType;

constexpr std::uint32_t kLanes = 32;

bool has_shape(const vulkan::DeviceCaps& caps, std::uint32_t depth, MatrixType factors, MatrixType sums) {
    return std::ranges::any_of(caps.matrix_shapes, [&](const vulkan::MatrixShape& s) {
        return s.m == 16 && s.n == 16 && s.k == depth && s.a == factors && s.b == factors && s.c == sums && s.result == sums;
    });
}

std::string refuse_device(const vulkan::DeviceCaps& caps) {
    if (!caps.cooperative_matrix || !caps.vulkan_memory_model) return "the device has no cooperative matrices";
    const bool fixed = caps.min_subgroup_size == caps.max_subgroup_size;
    const bool has_them = caps.min_subgroup_size <= kLanes && kLanes <= caps.max_subgroup_size;
    if (fixed ? caps.subgroup_size == kLanes : has_them && caps.subgroup_size_control) return {};
    const std::string made = text("the kernel is made for subgroups of ", kLanes, " lanes, the device's have ");
    if (fixed) return made + std::to_string(caps.subgroup_size);
    return text(made, caps.min_subgroup_size, " to ", caps.max_subgroup_size, has_them ? ", and it cannot be asked for a number" : "");
}

std::string refuse_bindings(const vulkan::DeviceCaps& caps, std::uint32_t count) {
    return caps.limits.max_storage_bindings < count ? text("it binds ", count, " buffers, the device allows ", caps.limits.max_storage_bindings) : std::string();
}

} // namespace

std::string refuse_half_matrices(const vulkan::DeviceCaps& caps) {
    if (std::string why = refuse_device(caps); !why.empty()) return why;
    if (!caps.fp16_arithmetic || !caps.fp16_storage) return "the device does not use float16 in arithmetic or storage";
    if (!has_shape(caps, 16, MatrixType::kFloat16, MatrixType::kFloat32)) return "the device has no 16x16x16 cooperative matrices of float16 with float32 sums";
    return {};
}

std::string refuse_normalized_rows(const vulkan::DeviceCaps& caps) {
    constexpr std::uint32_t kBindings = 9;
    if (std::string why = refuse_half_matrices(caps); !why.empty()) return why;
    if (!caps.subgroup_shuffle) return "the device's subgroups do not shuffle, which adds up the rows that are normalised";
    return refuse_bindings(caps, kBindings);
}

std::string refuse_row_moments(const vulkan::DeviceCaps& caps) {
    constexpr std::uint32_t kBindings = 10;
    if (std::string why = refuse_normalized_rows(caps); !why.empty()) return why;
    return refuse_bindings(caps, kBindings);
}

std::string refuse_byte_matrices(const vulkan::DeviceCaps& caps) {
    if (std::string why = refuse_device(caps); !why.empty()) return why;
    if (!caps.int8_arithmetic) return "the device does not use int8 in arithmetic";
    if (!has_shape(caps, 32, MatrixType::kInt8, MatrixType::kInt32)) return "the device has no 16x16x32 cooperative matrices of int8 with int32 sums";
    return {};
}

} // namespace tensorvk::tactics
