#include "vulkan/wait_plan.hpp"

#include <algorithm>

namespace tensorvk::vulkan {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

WaitPlan plan_wait(nanoseconds expected, bool is_cpu_device) noexcept {
    constexpr nanoseconds kCpuPoll = microseconds(50);
    constexpr nanoseconds kShort = milliseconds(2);
    constexpr nanoseconds kSlack = microseconds(100);
    constexpr nanoseconds kMostPoll = milliseconds(4);
    if (is_cpu_device) return {nanoseconds(0), expected <= kCpuPoll ? kCpuPoll : nanoseconds(0)};
    if (expected <= nanoseconds(0)) return {nanoseconds(0), kMostPoll};
    if (expected <= kShort) return {nanoseconds(0), expected + expected / 4 + kSlack};
    const nanoseconds sleep = expected - std::max(expected / 10, 2 * kSlack);
    return {sleep, std::min((expected - sleep) * 2, kMostPoll)};
}

} // namespace tensorvk::vulkan
