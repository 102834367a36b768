// VkResult to exception.
#pragma once

#include <string>

#include "vulkan/api.hpp"

namespace tensorvk::vulkan {

[[nodiscard]] const char* result_name(VkResult result) noexcept;

//! Throws OutOfMemory, DeviceLost, DeviceUnavailable or InternalError for a failed `result`; `what` says what was being
//! done.
[[noreturn]] void throw_result(VkResult result, const std::string& what);

//! Negative results throw; positive ones (VK_NOT_READY, VK_INCOMPLETE, ...) pass.
inline void check(VkResult result, const char* what) {
    if (result < 0) [[unlikely]] {
        throw_result(result, what);
    }
}

} // namespace tensorvk::vulkan
