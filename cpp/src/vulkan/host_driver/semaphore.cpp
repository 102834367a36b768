// Timeline semaphores.
#include <chrono>

#include "vulkan/host_driver/entry_points.hpp"
#include "vulkan/host_driver/objects.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

using Clock = std::chrono::steady_clock;

// Vulkan's "forever" is more nanoseconds than the clock has.
Clock::time_point deadline(std::uint64_t timeout) {
    constexpr std::chrono::hours kForever{24 * 365};
    const auto most = static_cast<std::uint64_t>(std::chrono::nanoseconds(kForever).count());
    return Clock::now() + std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(timeout, most)));
}

std::uint64_t initial_value(const void* chain) {
    for (const auto* at = static_cast<const VkBaseInStructure*>(chain); at != nullptr; at = at->pNext) {
        if (at->sType == VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO) {
            return reinterpret_cast<const VkSemaphoreTypeCreateInfo*>(at)->initialValue;
        }
    }
    return 0;
}

} // namespace

VkResult VKAPI_CALL CreateSemaphore(VkDevice, const VkSemaphoreCreateInfo* info, const VkAllocationCallbacks*,
                                    VkSemaphore* out) {
    return create<Semaphore>(out, Semaphore{initial_value(info->pNext)});
}

void VKAPI_CALL DestroySemaphore(VkDevice, VkSemaphore semaphore, const VkAllocationCallbacks*) {
    delete object<Semaphore>(semaphore);
}

VkResult VKAPI_CALL GetSemaphoreCounterValue(VkDevice device, VkSemaphore semaphore, std::uint64_t* out) {
    Timelines& timelines = object<Device>(device)->timelines;
    const std::lock_guard lock(timelines.mutex);
    *out = object<Semaphore>(semaphore)->value;
    return timelines.lost ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

VkResult VKAPI_CALL SignalSemaphore(VkDevice device, const VkSemaphoreSignalInfo* info) {
    Timelines& timelines = object<Device>(device)->timelines;
    const std::lock_guard lock(timelines.mutex);
    object<Semaphore>(info->semaphore)->value = info->value;
    timelines.changed.notify_all();
    return VK_SUCCESS;
}

VkResult VKAPI_CALL WaitSemaphores(VkDevice device, const VkSemaphoreWaitInfo* info, std::uint64_t timeout) {
    Timelines& timelines = object<Device>(device)->timelines;
    const Clock::time_point end = deadline(timeout);
    std::unique_lock lock(timelines.mutex);
    for (std::uint32_t i = 0; i < info->semaphoreCount; ++i) {
        const Semaphore& semaphore = *object<Semaphore>(info->pSemaphores[i]);
        const std::uint64_t value = info->pValues[i];
        const auto over = [&] { return semaphore.value >= value || timelines.lost; };
        if (!timelines.changed.wait_until(lock, end, over)) return VK_TIMEOUT;
        if (timelines.lost) return VK_ERROR_DEVICE_LOST;
    }
    return VK_SUCCESS;
}

} // namespace tensorvk::vulkan::host_driver
