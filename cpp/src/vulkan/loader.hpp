// Finds Vulkan's loader at run time, so that TensorVK can be imported where there is none.
#pragma once

#include <string>

#include "vulkan/api.hpp"

namespace tensorvk::vulkan {

struct Loader {
    GlobalFunctions fn;
    std::string library; // file name that was opened; empty: the driver of our own (vulkan/host_driver)
};

//! The loader, opened at the first call. Throws DeviceUnavailable, naming what to install, when it is missing; a later
//! call tries again. TENSORVK_VULKAN_LIBRARY names another file to open.
[[nodiscard]] const Loader& loader();

//! The same door to the driver of our own, which is always there.
[[nodiscard]] const Loader& host_loader();

} // namespace tensorvk::vulkan
