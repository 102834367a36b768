// Weaker devices that a stronger one plays, so that kernels can be tried without having them: TENSORVK_DEVICE_PROFILE.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vulkan/device_plan.hpp"

namespace tensorvk::vulkan {

struct DeviceProfile {
    std::string_view name;
    std::string_view device;                // where the limits are from
    DeviceLimits most;                      // 0: as the device at hand has it
    std::vector<std::string_view> hidden{}; // features, as TENSORVK_DISABLE calls them. Subgroups keep the size that they have
};

//! Null for a name of no profile.
[[nodiscard]] const DeviceProfile* find_profile(std::string_view name);
//! Each with the device that it is, joined by commas.
[[nodiscard]] std::string profile_names();
//! The smaller of both for each limit.
[[nodiscard]] DeviceLimits lowered(DeviceLimits limits, const DeviceLimits& most);

} // namespace tensorvk::vulkan
