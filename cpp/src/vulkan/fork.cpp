#include "vulkan/fork.hpp"

#include <atomic>

#include <pthread.h>

namespace tensorvk::vulkan {
namespace {

std::atomic<bool> forked{false};

} // namespace

void watch_for_forks() {
    // Cheaper to ask for than the process's number, which is a system call each time.
    (void)pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });
}

bool was_forked() noexcept {
    return forked.load(std::memory_order_relaxed);
}

void require_unforked() {
    if (was_forked()) {
        throw ForkedProcess(
            "This process was forked after TensorVK was used; start it with the 'spawn' method "
            "(multiprocessing.set_start_method), or fork before the first use of a device.");
    }
}

} // namespace tensorvk::vulkan
