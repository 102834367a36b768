#include "vulkan/device_profiles.hpp"

#include <algorithm>
#include <array>

#include "support/error.hpp"

namespace tensorvk::vulkan {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

//! Limits and features as reports of vulkaninfo have them, of Mesa's drivers but for mobile: of that the limits which Android's baseline profile of 2022 promises, and
//! what Qualcomm's driver lacks.
const std::array<DeviceProfile, 4>& profiles() {
    static const std::array<DeviceProfile, 4> all{
        DeviceProfile{.name = "amd",
                      .device = "a Radeon RX 570, which stores float16 and does not compute in it",
                      .most = {.max_storage_range = 4 * kGiB - 1,
                               .max_push_constant_bytes = 256,
                               .max_shared_memory = 65536,
                               .max_workgroup_invocations = 1024,
                               .max_workgroup_size = {1024, 1024, 1024},
                               .max_group_count = {65535, 65535, 65535}},
                      .subgroups = {64, 64, 64},
                      .hidden = {"cooperative_matrix", "fp16_arithmetic"}},
        DeviceProfile{.name = "intel",
                      .device = "an Intel UHD Graphics 630",
                      .most = {.max_storage_range = kGiB,
                               .max_push_constant_bytes = 128,
                               .max_shared_memory = 32768,
                               .max_workgroup_invocations = 1024,
                               .max_workgroup_size = {1024, 1024, 1024},
                               .max_group_count = {65535, 65535, 65535}},
                      .subgroups = {32, 8, 32},
                      .hidden = {"cooperative_matrix"}},
        DeviceProfile{.name = "mobile",
                      .device = "an Adreno of the 600 series, which computes in int8 and does not store it",
                      .most = {.max_storage_range = kGiB / 4,
                               .max_push_constant_bytes = 128,
                               .max_shared_memory = 32768,
                               .max_workgroup_invocations = 128,
                               .max_workgroup_size = {128, 128, 128},
                               .max_group_count = {65535, 65535, 65535},
                               .max_storage_bindings = 35},
                      .subgroups = {64, 64, 64},
                      .hidden = {"cooperative_matrix", "int64", "int8_storage", "integer_dot_product", "memory_budget", "subgroup_size_control", "vulkan_memory_model"}},
        DeviceProfile{.name = "bare",
                      .device = "the VideoCore VII of a Raspberry Pi 5",
                      .most = {.max_storage_range = kGiB,
                               .max_push_constant_bytes = 128,
                               .max_shared_memory = 16384,
                               .max_workgroup_invocations = 256,
                               .max_workgroup_size = {256, 256, 256},
                               .max_group_count = {65535, 65535, 65535},
                               .max_storage_bindings = 8},
                      .subgroups = {16, 16, 16},
                      .hidden = {"cooperative_matrix", "fp16", "int16", "int64", "int8", "integer_dot_product", "memory_budget", "subgroup_arithmetic",
                                 "subgroup_shuffle", "subgroup_size_control", "vulkan_memory_model"}},
    };
    return all;
}

template <typename Number>
Number smaller(Number limit, Number most) { return most == 0 ? limit : std::min(limit, most); }

} // namespace

const DeviceProfile* find_profile(std::string_view name) {
    const auto found = std::ranges::find(profiles(), name, &DeviceProfile::name);
    return found == profiles().end() ? nullptr : &*found;
}

std::string profile_names() {
    std::string out;
    for (const DeviceProfile& profile : profiles()) out += text(out.empty() ? "" : ", ", "'", profile.name, "' (", profile.device, ")");
    return out;
}

DeviceLimits lowered(DeviceLimits limits, const DeviceLimits& most) {
    limits.max_storage_range = smaller(limits.max_storage_range, most.max_storage_range);
    limits.max_push_constant_bytes = smaller(limits.max_push_constant_bytes, most.max_push_constant_bytes);
    limits.max_shared_memory = smaller(limits.max_shared_memory, most.max_shared_memory);
    limits.max_workgroup_invocations = smaller(limits.max_workgroup_invocations, most.max_workgroup_invocations);
    for (std::size_t axis = 0; axis < 3; ++axis) {
        limits.max_workgroup_size[axis] = smaller(limits.max_workgroup_size[axis], most.max_workgroup_size[axis]);
        limits.max_group_count[axis] = smaller(limits.max_group_count[axis], most.max_group_count[axis]);
    }
    limits.max_storage_bindings = smaller(limits.max_storage_bindings, most.max_storage_bindings);
    limits.max_texels = smaller(limits.max_texels, most.max_texels);
    limits.max_allocation = smaller(limits.max_allocation, most.max_allocation);
    return limits;
}

} // namespace tensorvk::vulkan
