// A Vulkan driver of our own for machines without one: memory of the host, copies, timelines and timestamps, and no
// shaders. Everything above the function tables works on it as on any device; what computes there are functions of the
// host.
#pragma once

#include <type_traits>

#include "vulkan/api.hpp"

namespace tensorvk::vulkan::host_driver {

inline constexpr const char* kDeviceName = "cpu (no Vulkan)";

//! The door that a loader is: vkGetInstanceProcAddr, here as there. Null for what needs shaders, which devices may have by
//! another driver (shader_driver.hpp).
[[nodiscard]] PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance instance, const char* name);

// The entry points carry Vulkan's names without the prefix, as in the tables.
#define TVK_DECLARE(name) std::remove_pointer_t<PFN_vk##name> name;
TVK_GLOBAL_FUNCTIONS(TVK_DECLARE)
TVK_INSTANCE_FUNCTIONS(TVK_DECLARE)
TVK_TRANSFER_FUNCTIONS(TVK_DECLARE)
TVK_OPTIONAL_DEVICE_FUNCTIONS(TVK_DECLARE)
#undef TVK_DECLARE

} // namespace tensorvk::vulkan::host_driver
