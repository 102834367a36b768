#include "vulkan/host_driver/shader_driver.hpp"

#include "support/error.hpp"
#include "vulkan/buffer.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

// Memory of ours is whole pages, whatever was asked for; so is what users bring.
std::uint64_t whole_pages(std::uint64_t size) {
    constexpr std::uint64_t kPage = 4096;
    return (size + kPage - 1) / kPage * kPage;
}

} // namespace

void ShaderDriver::open() {
    const std::lock_guard lock(mutex_);
    if (device_) return;
    std::shared_ptr<vulkan::Device> device = open_();
    timeline_ = std::make_unique<Timeline>(device);
    device_ = std::move(device);
}

VkBuffer ShaderDriver::buffer_over(Memory& memory) {
    const std::lock_guard lock(mutex_);
    if (!memory.for_shaders) {
        memory.for_shaders = vulkan::Buffer::import_host(device_, memory.data, whole_pages(memory.size));
    }
    return memory.for_shaders->handle();
}

VkQueryPool ShaderDriver::pool_for(QueryPool& pool) {
    const std::lock_guard lock(mutex_);
    if (!pool.for_shaders) {
        pool.for_shaders = std::make_shared<TimestampPool>(device_, static_cast<std::uint32_t>(pool.queries.size()));
    }
    return pool.for_shaders->handle();
}

std::uint64_t ShaderDriver::submit(VkCommandBuffer commands) noexcept {
    try {
        device_->queue(0).submit(commands, {}, timeline_->point(++submitted_));
    } catch (const Error&) {
        lost_ = true;
    }
    return submitted_;
}

VkResult ShaderDriver::wait(std::uint64_t submitted) noexcept {
    try {
        if (lost_) return VK_ERROR_DEVICE_LOST;
        timeline_->wait(submitted);
        return VK_SUCCESS;
    } catch (const Error&) {
        return VK_ERROR_DEVICE_LOST;
    }
}

void lend_shaders(VkDevice device, ShaderDriver::Open open) {
    object<Device>(device)->shaders = std::make_unique<ShaderDriver>(std::move(open));
}

void open_shaders(VkDevice device) {
    object<Device>(device)->shaders->open();
}

} // namespace tensorvk::vulkan::host_driver
