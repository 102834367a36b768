// A VkQueue and its lock.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>

#include "vulkan/api.hpp"

namespace tensorvk::vulkan {

class Device;

//! A value on a timeline.
struct TimelinePoint {
    VkSemaphore semaphore = VK_NULL_HANDLE;
    std::uint64_t value = 0;
};

class Queue {
  public:
    Queue(const Device& device, std::uint32_t family, std::uint32_t index);

    //! Submits at most one command buffer (VK_NULL_HANDLE: none) after `waits`, signalling `signal` when it is done.
    void submit(VkCommandBuffer commands, std::span<const TimelinePoint> waits, TimelinePoint signal);

  private:
    const Device& device_;
    VkQueue handle_ = VK_NULL_HANDLE;
    std::mutex mutex_;
};

} // namespace tensorvk::vulkan
