// Matrix units for every device: where there are none they are played (shaders/common/matrices.glsl), so that what is around them is tested.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "tactics/check.hpp"
#include "tactics/large_gpu.hpp"
#include "tactics/operation_case.hpp"

namespace tensorvk::test {

inline bool can_play_units() {
    const vulkan::DeviceCaps& caps = vulkan::Device::by_index(0)->caps();
    return caps.shaders && caps.fp16_storage && caps.limits.max_workgroup_invocations >= 512;
}

inline vulkan::DeviceCaps with_units(vulkan::DeviceCaps caps) {
    using enum vulkan::MatrixType;
    const vulkan::DeviceCaps large = large_gpu();
    caps.is_cpu = false;
    caps.fp16_arithmetic = caps.int8_arithmetic = caps.cooperative_matrix = caps.vulkan_memory_model = caps.subgroup_shuffle = true;
    caps.matrix_shapes = large.matrix_shapes;
    caps.matrix_shapes.push_back({16, 16, 32, kInt8, kInt8, kInt32, kInt32, false, true});
    caps.subgroup_size = caps.min_subgroup_size = caps.max_subgroup_size = large.subgroup_size;
    return caps;
}

//! Whether a candidate such as "conv/coopmat_64x64x64_w8_k4" can be and is of one of these tiles, such as "64x64x64_w8"; of any if there are none.
inline bool is_on_units(const tactics::Candidate& candidate, std::span<const std::string_view> tiles) {
    constexpr std::string_view kKernels[] = {"coopmat_", "widened_", "halo_", "window_"};
    for (const std::string_view kernel : kKernels) {
        const std::size_t at = candidate.name.find(kernel);
        if (!candidate.applicable() || at == std::string::npos) continue;
        const std::string tile = candidate.name.substr(at + kernel.size());
        return tiles.empty() || std::ranges::find(tiles, tile.substr(0, tile.find("_k"))) != tiles.end();
    }
    return false;
}

//! Compares as check_all() does. How many candidates of these tiles there were.
[[nodiscard]] inline int check_on_units(const OperationCase& operation, const kernels::host::Tensor& expected, double tolerance, std::span<const std::string_view> tiles) {
    const auto device = vulkan::Device::by_index(0);
    const vulkan::DeviceCaps caps = with_units(device->caps());
    int tried = 0;
    for (const tactics::Candidate& candidate : operation.candidates(caps)) {
        if (!is_on_units(candidate, tiles)) continue;
        ++tried;
        OperationCase::Prepared prepared = operation.prepare(device, candidate, caps);
        prepared.runner->run();
        expect_near(operation.output(prepared), expected, tolerance, candidate.name);
    }
    return tried;
}

} // namespace tensorvk::test
