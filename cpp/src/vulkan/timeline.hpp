// A timeline semaphore: the only object that work is waited for with.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "vulkan/queue.hpp"
#include "vulkan/wait_plan.hpp"

namespace tensorvk::vulkan {

class Timeline {
  public:
    explicit Timeline(std::shared_ptr<Device> device);
    ~Timeline();
    Timeline(const Timeline&) = delete;
    Timeline& operator=(const Timeline&) = delete;

    [[nodiscard]] TimelinePoint point(std::uint64_t value) const noexcept { return {handle_, value}; }

    //! The highest value seen reached so far, without asking the driver.
    [[nodiscard]] std::uint64_t seen() const noexcept { return seen_.load(std::memory_order_acquire); }
    //! The value reached. Throws DeviceLost.
    [[nodiscard]] std::uint64_t completed();
    //! True when `value` was seen reached already or is now.
    [[nodiscard]] bool reached(std::uint64_t value) {
        return seen_.load(std::memory_order_acquire) >= value || completed() >= value;
    }
    //! Blocks until `value` is reached; `expected` is how long that will probably take from now (zero: unknown). Throws
    //! DeviceLost.
    void wait(std::uint64_t value, std::chrono::nanoseconds expected = {});
    void signal(std::uint64_t value);

  private:
    [[nodiscard]] bool poll(std::uint64_t value, std::chrono::nanoseconds duration);
    [[nodiscard]] bool block(std::uint64_t value, std::chrono::nanoseconds timeout);

    std::shared_ptr<Device> device_;
    VkSemaphore handle_ = VK_NULL_HANDLE;
    std::atomic<std::uint64_t> seen_{0};
};

} // namespace tensorvk::vulkan
