// The features a logical device is opened with, as Vulkan's chain of structures.
#pragma once

#include "vulkan/api.hpp"
#include "vulkan/device_plan.hpp"

namespace tensorvk::vulkan {

class DeviceFeatures {
  public:
    DeviceFeatures(const DeviceOffer& offer, const DeviceCaps& caps);
    DeviceFeatures(const DeviceFeatures&) = delete;
    DeviceFeatures& operator=(const DeviceFeatures&) = delete;

    //! For VkDeviceCreateInfo::pNext; valid as long as this object.
    [[nodiscard]] const void* chain() const noexcept { return &features_; }

  private:
    template <typename T>
    void add(T& structure, VkStructureType type);

    VkPhysicalDeviceFeatures2 features_{};
    VkPhysicalDeviceVulkan11Features v11_{};
    VkPhysicalDeviceVulkan12Features v12_{};
    VkPhysicalDeviceVulkan13Features v13_{};
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix_{};
};

} // namespace tensorvk::vulkan
