#include "vulkan/timeline.hpp"

#include <algorithm>
#include <thread>

#include "vulkan/check.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {

using Clock = std::chrono::steady_clock;

Timeline::Timeline(std::shared_ptr<Device> device) : device_(std::move(device)) {
    VkSemaphoreTypeCreateInfo type{};
    type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
    info.pNext = &type;
    check(device_->fn().CreateSemaphore(device_->handle(), &info, nullptr, &handle_), "create a timeline semaphore");
}

Timeline::~Timeline() {
    device_->fn().DestroySemaphore(device_->handle(), handle_, nullptr);
}

std::uint64_t Timeline::completed() {
    std::uint64_t value = 0;
    check(device_->fn().GetSemaphoreCounterValue(device_->handle(), handle_, &value), "read a timeline");
    std::uint64_t seen = seen_.load(std::memory_order_relaxed);
    while (seen < value && !seen_.compare_exchange_weak(seen, value, std::memory_order_release)) {
    }
    return value;
}

void Timeline::wait(std::uint64_t value, std::chrono::nanoseconds expected) {
    if (seen_.load(std::memory_order_acquire) >= value) return;
    const WaitPlan plan = plan_wait(expected, device_->caps().is_cpu);
    if (plan.sleep.count() > 0 && block(value, plan.sleep)) return;
    if (poll(value, plan.poll)) return;
    // In slices, so that a lost device is noticed by drivers that do not wake the waiters.
    while (!block(value, std::chrono::seconds(5)) && !reached(value)) {
    }
}

void Timeline::signal(std::uint64_t value) {
    VkSemaphoreSignalInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
    info.semaphore = handle_;
    info.value = value;
    check(device_->fn().SignalSemaphore(device_->handle(), &info), "signal a timeline");
}

bool Timeline::poll(std::uint64_t value, std::chrono::nanoseconds duration) {
    if (completed() >= value) return true;
    const auto end = Clock::now() + duration;
    while (Clock::now() < end) {
        if (completed() >= value) return true;
        if (device_->caps().is_cpu) std::this_thread::yield();
    }
    return false;
}

bool Timeline::block(std::uint64_t value, std::chrono::nanoseconds timeout) {
    VkSemaphoreWaitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &handle_;
    info.pValues = &value;
    const VkResult result =
        device_->fn().WaitSemaphores(device_->handle(), &info, static_cast<std::uint64_t>(timeout.count()));
    check(result, "wait for a timeline");
    return result == VK_SUCCESS && completed() >= value;
}

} // namespace tensorvk::vulkan
