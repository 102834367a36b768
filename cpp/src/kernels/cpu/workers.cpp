#include "kernels/cpu/workers.hpp"

#include "kernels/cpu/thread_pool.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr Workers kPool{
    []() noexcept { return ThreadPool::get().threads(); },
    [](int threads, void (*work)(void*), void* data) { ThreadPool::get().run(threads, work, data); },
    []() noexcept { return ThreadPool::number(); },
    []() noexcept { return ThreadPool::team(); },
    []() noexcept { ThreadPool::get().barrier(); },
};
const Workers* used = &kPool;

} // namespace

const Workers& workers() noexcept { return *used; }
void use_workers(const Workers& workers) noexcept { used = &workers; }

} // namespace tensorvk::kernels::cpu
