// Finds Vulkan's loader at run time, so that TensorVK can be imported where there is none.
#pragma once

#include <string>

#include "vulkan/api.hpp"

namespace tensorvk::vulkan {

struct Loader {
    GlobalFunctions fn;
    std::string library; // file name that was opened
};

//! The loader, opened at the first call. Throws DeviceUnavailable, naming what to install, when it is missing; a later
//! call tries again. TENSORVK_VULKAN_LIBRARY names another file to open.
[[nodiscard]] const Loader& loader();

} // namespace tensorvk::vulkan
