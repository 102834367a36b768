#include "vulkan/fork.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include <pthread.h>
#include <unistd.h>

namespace tensorvk::vulkan {
namespace {

std::atomic<bool> forked{false};

// Drivers end their work when the process exits, and a copy of the process would end the parent's: after NVIDIA's has done so the parent's next wait
// does not return. So a child does what it registered itself, writes what it has buffered, and ends.
void leave_inherited_exit_handlers() {
#ifdef __GLIBC__
    (void)on_exit(
        [](int status, void*) {
            (void)std::fflush(nullptr);
            _exit(status);
        },
        nullptr);
#endif
}

} // namespace

void watch_for_forks() {
    // Cheaper to ask for than the process's number, which is a system call each time.
    (void)pthread_atfork(nullptr, nullptr, [] {
        if (!forked.exchange(true, std::memory_order_relaxed)) leave_inherited_exit_handlers();
    });
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
