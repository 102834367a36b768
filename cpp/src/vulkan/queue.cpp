#include "vulkan/queue.hpp"

#include <vector>

#include "vulkan/check.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {

Queue::Queue(const Device& device, std::uint32_t family, std::uint32_t index) : device_(device) {
    device.fn().GetDeviceQueue(device.handle(), family, index, &handle_);
}

void Queue::submit(VkCommandBuffer commands, std::span<const TimelinePoint> waits, TimelinePoint signal) {
    std::vector<VkSemaphore> semaphores;
    std::vector<std::uint64_t> values;
    for (const TimelinePoint& wait : waits) {
        semaphores.push_back(wait.semaphore);
        values.push_back(wait.value);
    }
    const std::vector<VkPipelineStageFlags> stages(waits.size(), VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
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

} // namespace tensorvk::vulkan
