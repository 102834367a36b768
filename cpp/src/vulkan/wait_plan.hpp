// How to wait: a pure decision.
#pragma once

#include <chrono>

namespace tensorvk::vulkan {

//! Sleep for `sleep`, then poll for `poll`, then block until done.
struct WaitPlan {
    std::chrono::nanoseconds sleep{0};
    std::chrono::nanoseconds poll{0};

    bool operator==(const WaitPlan&) const = default;
};

//! `expected`: time until the work is probably done; zero when unknown, as that of asynchronous calls is. Being woken costs 30 us and
//! more on a fast GPU, so short waits are polled, and unknown ones for some milliseconds; long ones sleep until shortly before the expected end. A CPU device works
//! on the cores that polling would take, so there only the shortest waits are polled.
[[nodiscard]] WaitPlan plan_wait(std::chrono::nanoseconds expected, bool is_cpu_device) noexcept;

} // namespace tensorvk::vulkan
