// Shaders for a device of ours: another driver runs them, over the same memory. It is opened when the first shader is
// made; until then the process has nothing of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "vulkan/device.hpp"
#include "vulkan/host_driver/objects.hpp"
#include "vulkan/timeline.hpp"

namespace tensorvk::vulkan::host_driver {

class ShaderDriver {
  public:
    using Open = std::function<std::shared_ptr<vulkan::Device>()>;
    explicit ShaderDriver(Open open) : open_(std::move(open)) {}

    //! Thread-safe; throws what `open` throws. To be called before anything below.
    void open();

    [[nodiscard]] const DeviceFunctions& fn() const noexcept { return device_->fn(); }
    [[nodiscard]] VkDevice handle() const noexcept { return device_->handle(); }
    [[nodiscard]] std::uint32_t queue_family() const noexcept { return device_->plan().queue_family; }

    //! All of a memory as one buffer there; made at the first call. Throws Error.
    [[nodiscard]] VkBuffer buffer_over(Memory& memory);
    //! As many queries there; made at the first call. Throws Error.
    [[nodiscard]] VkQueryPool pool_for(QueryPool& pool);

    //! Gives commands to that driver; a number to wait for, which fails where the device is lost. The next ones
    //! after wait() alone.
    [[nodiscard]] std::uint64_t submit(VkCommandBuffer commands) noexcept;
    [[nodiscard]] VkResult wait(std::uint64_t submitted) noexcept;

  private:
    Open open_;
    std::mutex mutex_;
    std::shared_ptr<vulkan::Device> device_;
    std::unique_ptr<Timeline> timeline_;
    std::uint64_t submitted_ = 0;
    bool lost_ = false;
};

//! To be called when the device was created, before its functions are asked for: it has those for shaders then.
void lend_shaders(VkDevice device, ShaderDriver::Open open);
//! Has to come before the first of those functions is called. Throws what the `open` that was lent throws.
void open_shaders(VkDevice device);

//! A function for shaders by its name; null for others.
[[nodiscard]] PFN_vkVoidFunction shader_function(const char* name);

} // namespace tensorvk::vulkan::host_driver
