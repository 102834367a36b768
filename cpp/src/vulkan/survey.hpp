// Everything `tensorvk doctor` shows, gathered without throwing.
#pragma once

#include <string>
#include <vector>

#include "vulkan/device_plan.hpp"

namespace tensorvk::vulkan {

struct DeviceSurvey {
    DeviceOffer offer;
    DevicePlan plan;
};

struct Survey {
    std::string loader;               // the library that was opened; empty when there is none
    std::string problem;              // one sentence; empty when all is well
    bool vulkan = false;              // the devices are Vulkan's, not the driver of our own
    std::uint32_t loader_version = 0; // Vulkan's packed form
    std::vector<std::string> layers;
    bool validating = false;
    std::vector<DeviceSurvey> devices; // in the user's order
};

[[nodiscard]] Survey survey();

} // namespace tensorvk::vulkan
