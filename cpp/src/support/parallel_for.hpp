// Independent pieces of work on several threads that live as long as the work: for preparing, not for computing (kernels/cpu/workers.hpp).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "support/processors.hpp"

namespace tensorvk {

//! Calls `work(i)` for i < count on as many threads as kernels have, or on those that the system gives. An exception ends it; of several the one with the lowest i is
//! thrown, however fast the threads were: what comes before was begun before.
template <typename Work>
void parallel_for(std::size_t count, const Work& work) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::exception_ptr failure;
    std::size_t failed = count;
    const auto loop = [&] {
        for (std::size_t i = next++; i < count; i = next++) {
            try {
                work(i);
            } catch (...) {
                next = count;
                const std::lock_guard lock(mutex);
                if (i < failed) {
                    failed = i;
                    failure = std::current_exception();
                }
            }
        }
    };
    {
        const std::size_t threads = std::min(static_cast<std::size_t>(usable_cores()), count);
        std::vector<std::jthread> helpers;
        helpers.reserve(threads);
        try {
            for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back(loop);
        } catch (const std::system_error&) { // NOLINT(bugprone-empty-catch): no more threads to be had; those that are there do it
        }
        loop();
    }
    if (failure) std::rethrow_exception(failure);
}

} // namespace tensorvk
