// Asks the driver what a device offers and puts it into plain data.
#pragma once

#include <vector>

#include "vulkan/device_plan.hpp"
#include "vulkan/instance.hpp"

namespace tensorvk::vulkan {

struct PhysicalDevice {
    VkPhysicalDevice handle = VK_NULL_HANDLE;
    DeviceOffer offer;
};

[[nodiscard]] DeviceOffer query_offer(const Instance& instance, VkPhysicalDevice device);

//! All devices, numbered as the user sees them: the one that TENSORVK_DEVICE names first, then discrete to CPU. Read
//! once per process.
[[nodiscard]] const std::vector<PhysicalDevice>& physical_devices();

} // namespace tensorvk::vulkan
