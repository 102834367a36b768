// The threads that CPU kernels share, oneDNN's among them. One team works at a time: others wait for their turn, so that two networks do not
// fight for the same cores.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace tensorvk::kernels::cpu {

class ThreadPool {
public:
    using Work = void (*)(void* data);

    //! The process's. Throws InvalidArgument for a bad TENSORVK_THREADS.
    [[nodiscard]] static ThreadPool& get();

    //! How many threads a team should have.
    [[nodiscard]] int threads() const noexcept { return threads_; }
    //! Calls work(data) once for each number of a team, on `threads` threads at once where they come in time, and returns when all have. Inside
    //! another team's work it is this thread alone. Throws OutOfMemory where the system has no thread to give.
    void run(int threads, Work work, void* data);

    //! Of the team that the calling thread works in: its number from 0, how many there are. Outside 0 and 1.
    [[nodiscard]] static int number() noexcept;
    [[nodiscard]] static int team() noexcept;
    //! Waits until all of the team are here.
    void barrier() noexcept;

private:
    struct Worker;

    explicit ThreadPool(int threads);
    ~ThreadPool();
    void grow(int threads);
    void work_for(Worker& worker) noexcept;
    void take_what_nobody_began(int threads);

    const int threads_;
    std::mutex turn_;
    std::vector<std::unique_ptr<Worker>> workers_; // number 1 first
    alignas(64) std::atomic<std::uint32_t> unfinished_{0};
    alignas(64) std::atomic<std::uint32_t> arrived_{0};
    alignas(64) std::atomic<std::uint32_t> barriers_{0};
};

} // namespace tensorvk::kernels::cpu
