// Weaker devices that a stronger one plays, so that kernels can be tried without having them: TENSORVK_DEVICE_PROFILE.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vulkan/device_plan.hpp"

namespace tensorvk::vulkan {

//! Invocations of a subgroup: what the driver takes for a kernel that does not ask, and what can be asked for.
struct SubgroupSizes {
    std::uint32_t usual, min, max;
};

struct DeviceProfile {
    std::string_view name;
    std::string_view device;                // where the limits are from
    DeviceLimits most;                      // 0: as the device at hand has it
    SubgroupSizes subgroups;                // that kernels are chosen for; those that run keep the device's own
    std::vector<std::string_view> hidden{}; // features, as TENSORVK_DISABLE calls them
};

//! Null for a name of no profile.
[[nodiscard]] const DeviceProfile* find_profile(std::string_view name);
//! Each with the device that it is, joined by commas.
[[nodiscard]] std::string profile_names();
//! The smaller of both for each limit.
[[nodiscard]] DeviceLimits lowered(DeviceLimits limits, const DeviceLimits& most);

} // namespace tensorvk::vulkan
