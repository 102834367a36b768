#include "vulkan/check.hpp"

#include <algorithm>
#include <array>

#include "support/error.hpp"

namespace tensorvk::vulkan {
namespace {

enum class Failure { kMemory, kLost, kUnavailable, kInternal };

struct ResultRow {
    VkResult result;
    const char* name;
    Failure failure;
};

constexpr std::array kResults{
    ResultRow{VK_ERROR_OUT_OF_HOST_MEMORY, "VK_ERROR_OUT_OF_HOST_MEMORY", Failure::kMemory},
    ResultRow{VK_ERROR_OUT_OF_DEVICE_MEMORY, "VK_ERROR_OUT_OF_DEVICE_MEMORY", Failure::kMemory},
    ResultRow{VK_ERROR_OUT_OF_POOL_MEMORY, "VK_ERROR_OUT_OF_POOL_MEMORY", Failure::kMemory},
    ResultRow{VK_ERROR_FRAGMENTED_POOL, "VK_ERROR_FRAGMENTED_POOL", Failure::kMemory},
    ResultRow{VK_ERROR_TOO_MANY_OBJECTS, "VK_ERROR_TOO_MANY_OBJECTS", Failure::kMemory},
    ResultRow{VK_ERROR_DEVICE_LOST, "VK_ERROR_DEVICE_LOST", Failure::kLost},
    ResultRow{VK_ERROR_INITIALIZATION_FAILED, "VK_ERROR_INITIALIZATION_FAILED", Failure::kUnavailable},
    ResultRow{VK_ERROR_INCOMPATIBLE_DRIVER, "VK_ERROR_INCOMPATIBLE_DRIVER", Failure::kUnavailable},
    ResultRow{VK_ERROR_LAYER_NOT_PRESENT, "VK_ERROR_LAYER_NOT_PRESENT", Failure::kUnavailable},
    ResultRow{VK_ERROR_EXTENSION_NOT_PRESENT, "VK_ERROR_EXTENSION_NOT_PRESENT", Failure::kUnavailable},
    ResultRow{VK_ERROR_FEATURE_NOT_PRESENT, "VK_ERROR_FEATURE_NOT_PRESENT", Failure::kUnavailable},
    ResultRow{VK_ERROR_MEMORY_MAP_FAILED, "VK_ERROR_MEMORY_MAP_FAILED", Failure::kMemory},
    ResultRow{VK_ERROR_INVALID_EXTERNAL_HANDLE, "VK_ERROR_INVALID_EXTERNAL_HANDLE", Failure::kInternal},
    ResultRow{VK_ERROR_UNKNOWN, "VK_ERROR_UNKNOWN", Failure::kInternal},
    ResultRow{VK_TIMEOUT, "VK_TIMEOUT", Failure::kInternal},
    ResultRow{VK_NOT_READY, "VK_NOT_READY", Failure::kInternal},
    ResultRow{VK_INCOMPLETE, "VK_INCOMPLETE", Failure::kInternal},
    ResultRow{VK_SUCCESS, "VK_SUCCESS", Failure::kInternal},
};

const ResultRow* find_row(VkResult result) noexcept {
    const auto* row =
        std::find_if(kResults.begin(), kResults.end(), [&](const ResultRow& r) { return r.result == result; });
    return row == kResults.end() ? nullptr : row;
}

} // namespace

const char* result_name(VkResult result) noexcept {
    const ResultRow* row = find_row(result);
    return row == nullptr ? "an unknown VkResult" : row->name;
}

void throw_result(VkResult result, const std::string& what) {
    const ResultRow* row = find_row(result);
    const std::string message =
        text("The Vulkan driver answered ", result_name(result), " (", static_cast<int>(result), ") to: ", what, ".");
    switch (row == nullptr ? Failure::kInternal : row->failure) {
        case Failure::kMemory:
            throw OutOfMemory(message);
        case Failure::kLost:
            throw DeviceLost(message + " The device must be opened again in a new process.");
        case Failure::kUnavailable:
            throw DeviceUnavailable(message + " 'tensorvk doctor' shows what the system offers.");
        case Failure::kInternal:
            break;
    }
    throw InternalError(message);
}

} // namespace tensorvk::vulkan
