#include "vulkan/queue.hpp"

#include <array>

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {

Queue::Queue(const Device& device, std::uint32_t family, std::uint32_t index) : device_(device) {
    device.fn().GetDeviceQueue(device.handle(), family, index, &handle_);
}

void Queue::submit(VkCommandBuffer commands, std::span<const TimelinePoint> waits, TimelinePoint signal) {
    if (waits.size() > kMaxWaits) throw InternalError(text("A submission waits for ", waits.size(), " timelines."));
    std::array<VkSemaphore, kMaxWaits> semaphores;
    std::array<std::uint64_t, kMaxWaits> values;
    std::array<VkPipelineStageFlags, kMaxWaits> stages;
    for (std::size_t i = 0; i < waits.size(); ++i) {
        semaphores[i] = waits[i].semaphore;
        values[i] = waits[i].value;
        stages[i] = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    }
    VkTimelineSemaphoreSubmitInfo timeline{};
    timeline.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
    timeline.waitSemaphoreValueCount = static_cast<std::uint32_t>(waits.size());
    timeline.pWaitSemaphoreValues = values.data();
    timeline.signalSemaphoreValueCount = 1;
    timeline.pSignalSemaphoreValues = &signal.value;
    VkSubmitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    info.pNext = &timeline;
    info.waitSemaphoreCount = static_cast<std::uint32_t>(waits.size());
    info.pWaitSemaphores = semaphores.data();
    info.pWaitDstStageMask = stages.data();
    info.commandBufferCount = commands == VK_NULL_HANDLE ? 0 : 1;
    info.pCommandBuffers = &commands;
    info.signalSemaphoreCount = 1;
    info.pSignalSemaphores = &signal.semaphore;
    const std::lock_guard lock(mutex_);
    check(device_.fn().QueueSubmit(handle_, 1, &info, VK_NULL_HANDLE), "submit work to the device");
}

}  // namespace tensorvk::vulkan
