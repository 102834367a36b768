// What a large GPU offers, for tests that ask which tactics it would get.
#pragma once

#include "vulkan/device_plan.hpp"

namespace tensorvk::test {

inline vulkan::DeviceCaps large_gpu() {
    vulkan::DeviceCaps caps;
    caps.fp16_storage = caps.fp16_arithmetic = caps.cooperative_matrix = caps.vulkan_memory_model = true;
    caps.subgroup_size = 32;
    caps.limits.max_shared_memory = 49152;
    caps.limits.max_workgroup_invocations = 1024;
    using enum vulkan::MatrixType;
    caps.matrix_shapes = {{16, 16, 16, kFloat16, kFloat16, kFloat32, kFloat32, false, true}};
    return caps;
}

} // namespace tensorvk::test
