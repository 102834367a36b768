#include "kernels/cpu/thread_pool.hpp"

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include <pthread.h>

#include "support/error.hpp"
#include "support/processors.hpp"

namespace tensorvk::kernels::cpu {

namespace {

struct Place {
    int number = 0, team = 1;
};
thread_local Place place;

void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

//! Waits until `value` is no longer `old`. Between the steps of a network a microsecond passes, so for a while it looks again and again: to
//! wake a sleeping thread takes 50.
std::uint32_t wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept {
    constexpr std::chrono::microseconds kPatience{500};
    constexpr int kLooks = 64;
    const auto begin = std::chrono::steady_clock::now();
    do {
        for (int i = 0; i < kLooks; ++i) {
            const std::uint32_t now = value.load(std::memory_order_acquire);
            if (now != old) return now;
            relax();
        }
    } while (std::chrono::steady_clock::now() - begin < kPatience);
    value.wait(old, std::memory_order_acquire);
    return value.load(std::memory_order_acquire);
}

ThreadPool* pool = nullptr; // never destroyed: kernels may run while the process ends

} // namespace

struct alignas(64) ThreadPool::Worker {
    std::atomic<std::uint32_t> jobs{0};  // given so far; the job itself is below
    std::atomic<std::uint32_t> taken{0}; // of them; a job belongs to who counts it here
    Work work = nullptr;
    void* data = nullptr;
    Place place;

    [[nodiscard]] bool take(std::uint32_t job) noexcept {
        std::uint32_t before = job - 1;
        return taken.compare_exchange_strong(before, job, std::memory_order_acq_rel);
    }
};

ThreadPool::ThreadPool(int threads) : threads_(threads) {}
ThreadPool::~ThreadPool() = default;

ThreadPool& ThreadPool::get() {
    static const int forks = [] {
        pool = new ThreadPool(usable_cores());
        // A forked child has this thread alone: it starts others when it needs them.
        return pthread_atfork(nullptr, nullptr, [] { pool = new ThreadPool(pool->threads_); });
    }();
    (void)forks;
    return *pool;
}

int ThreadPool::number() noexcept { return place.number; }
int ThreadPool::team() noexcept { return place.team; }

void ThreadPool::grow(int threads) {
    while (static_cast<int>(workers_.size()) + 1 < threads) {
        auto worker = std::make_unique<Worker>();
        workers_.reserve(workers_.size() + 1); // nothing may fail once the thread is there
        try {
            std::thread([this, &mine = *worker] { work_for(mine); }).detach();
        } catch (const std::system_error&) {
            throw OutOfMemory(text("The system lets this process have no more threads than ", workers_.size() + 1, " for kernels, which want ", threads,
                                   ": set TENSORVK_THREADS to fewer, or raise the limit."));
        }
        workers_.push_back(std::move(worker));
    }
}

void ThreadPool::work_for(Worker& worker) noexcept {
    for (std::uint32_t seen = 0;;) {
        seen = wait_while(worker.jobs, seen);
        if (!worker.take(seen)) continue; // the caller did not wait
        place = worker.place;
        worker.work(worker.data);
        if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
    }
}

// A thread that sleeps or whose core is somebody else's may not come for milliseconds. Whoever meets a barrier waits there for all of the team, so
// when the caller's own part is done and another's not even begun, there is no barrier in the work and the parts may follow each other.
void ThreadPool::take_what_nobody_began(int threads) {
    for (int i = 1; i < threads; ++i) {
        Worker& worker = *workers_[static_cast<std::size_t>(i - 1)];
        if (!worker.take(worker.jobs.load(std::memory_order_relaxed))) continue;
        place = worker.place;
        worker.work(worker.data);
        place = {};
        unfinished_.fetch_sub(1, std::memory_order_acq_rel);
    }
}

void ThreadPool::run(int threads, Work work, void* data) {
    if (threads <= 1 || place.team > 1) {
        const Place before = place;
        place = {};
        work(data);
        place = before;
        return;
    }
    const std::lock_guard turn(turn_);
    grow(threads);
    arrived_.store(0, std::memory_order_relaxed);
    unfinished_.store(static_cast<std::uint32_t>(threads - 1), std::memory_order_relaxed);
    for (int i = 1; i < threads; ++i) {
        Worker& worker = *workers_[static_cast<std::size_t>(i - 1)];
        worker.work = work;
        worker.data = data;
        worker.place = {i, threads};
        worker.jobs.fetch_add(1, std::memory_order_release);
        worker.jobs.notify_one();
    }
    place = {0, threads};
    work(data);
    place = {};
    take_what_nobody_began(threads);
    for (std::uint32_t left = unfinished_.load(std::memory_order_acquire); left != 0;) left = wait_while(unfinished_, left);
}

void ThreadPool::barrier() noexcept {
    if (place.team <= 1) return;
    const std::uint32_t past = barriers_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<std::uint32_t>(place.team)) {
        arrived_.store(0, std::memory_order_relaxed);
        barriers_.fetch_add(1, std::memory_order_release);
        barriers_.notify_all();
        return;
    }
    (void)wait_while(barriers_, past);
}

} // namespace tensorvk::kernels::cpu
