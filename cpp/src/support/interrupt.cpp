#include "support/interrupt.hpp"

#include <atomic>
#include <chrono>

namespace tensorvk {
namespace {

std::atomic<InterruptCheck> installed{nullptr};

} // namespace

void set_interrupt_check(InterruptCheck check) noexcept {
    installed = check;
}

bool is_interrupted() {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kPause(100); // the check may have to wait for a lock
    thread_local Clock::time_point last;
    const InterruptCheck check = installed;
    const Clock::time_point now = Clock::now();
    if (check == nullptr || now - last < kPause) {
        return false;
    }
    last = now;
    return check();
}

} // namespace tensorvk
