// Points in device time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vulkan/api.hpp"

namespace tensorvk::vulkan {

class Device;

class TimestampPool {
  public:
    //! Throws Unsupported when the device has no timestamps on TensorVK's queue.
    TimestampPool(std::shared_ptr<Device> device, std::uint32_t count);
    ~TimestampPool();
    TimestampPool(const TimestampPool&) = delete;
    TimestampPool& operator=(const TimestampPool&) = delete;

    [[nodiscard]] VkQueryPool handle() const noexcept { return handle_; }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

    //! Nanoseconds of the timestamps first .. first+count-1, in device time. Empty when one of them has not been
    //! written yet.
    [[nodiscard]] std::vector<std::uint64_t> read(std::uint32_t first, std::uint32_t count) const;
    //! The same into `nanoseconds`, which says how many; false where one has not been written yet.
    [[nodiscard]] bool read(std::uint32_t first, std::span<std::uint64_t> nanoseconds) const;
    //! Differences of timestamps are taken modulo the counter's width.
    [[nodiscard]] double elapsed_ns(std::uint64_t start, std::uint64_t end) const noexcept;

  private:
    std::shared_ptr<Device> device_;
    std::uint32_t count_;
    VkQueryPool handle_ = VK_NULL_HANDLE;
};

} // namespace tensorvk::vulkan
