// Asks the driver what a device offers and puts it into plain data.
#pragma once

#include <vector>

#include "vulkan/device_plan.hpp"
#include "vulkan/instance.hpp"

namespace tensorvk::vulkan {

struct PhysicalDevice {
    const Instance* instance = nullptr;
    VkPhysicalDevice handle = VK_NULL_HANDLE;
    DeviceOffer offer;
};

[[nodiscard]] DeviceOffer query_offer(const Instance& instance, VkPhysicalDevice device);

//! What Instance::looked() has, in the driver's order. Remembers it where a device could be opened late (vulkan/late).
[[nodiscard]] std::vector<PhysicalDevice> look_at_devices();
//! The same, numbered as the user sees them.
[[nodiscard]] std::vector<PhysicalDevice> numbered(std::vector<PhysicalDevice> devices);

//! All devices, numbered as the user sees them: the one that TENSORVK_DEVICE names first, then discrete to CPU. Read
//! once per process.
[[nodiscard]] const std::vector<PhysicalDevice>& physical_devices();

} // namespace tensorvk::vulkan
