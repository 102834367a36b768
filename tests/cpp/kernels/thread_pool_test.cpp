// The threads of CPU kernels: every member of a team works once, teams take turns, and work inside work is one thread's.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "kernels/cpu/thread_pool.hpp"
#include "kernels/cpu/workers.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {
namespace {

template <typename Work>
void run(int threads, Work& work) {
    ThreadPool::get().run(threads, [](void* data) { (*static_cast<Work*>(data))(); }, &work);
}

TEST(ThreadPool, EveryMemberOfATeamWorksOnce) {
    for (const int threads : {1, 2, 3, 7, 2, 17}) { // more than there are cores, too: oneDNN may ask for what it once planned with
        std::vector<std::atomic<int>> calls(static_cast<std::size_t>(threads));
        auto work = [&] {
            EXPECT_EQ(ThreadPool::team(), threads);
            ++calls.at(static_cast<std::size_t>(ThreadPool::number()));
        };
        run(threads, work);
        for (const std::atomic<int>& count : calls) EXPECT_EQ(count, 1);
    }
    EXPECT_EQ(ThreadPool::team(), 1);
    EXPECT_EQ(ThreadPool::number(), 0);
}

// On a busy machine the caller does the parts of threads that do not come; each is still done once.
TEST(ThreadPool, EveryMemberWorksOnceBesideBusyThreads) {
    constexpr int kTeam = 3, kRounds = 3000;
    std::atomic<bool> busy{true};
    std::vector<std::jthread> others;
    for (unsigned i = 0; i < 2 * std::max(std::thread::hardware_concurrency(), 1U); ++i) {
        others.emplace_back([&] {
            while (busy.load(std::memory_order_relaxed)) {
            }
        });
    }
    std::array<std::atomic<int>, kTeam> calls{};
    auto work = [&] { ++calls.at(static_cast<std::size_t>(ThreadPool::number())); };
    for (int round = 0; round < kRounds; ++round) run(kTeam, work);
    busy = false;
    for (const std::atomic<int>& count : calls) EXPECT_EQ(count, kRounds);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they need address space without end

TEST(ThreadPool, AThreadThatCannotBeStartedIsAnErrorAndNothingWaitsForIt) {
    constexpr int kMany = 60;
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
    std::atomic<int> calls{0};
    auto work = [&] { ++calls; };
    const rlimit none{1, before.rlim_max}; // whatever is mapped from here on fails, stacks above all
    ASSERT_EQ(setrlimit(RLIMIT_AS, &none), 0);
    EXPECT_THROW(run(kMany, work), OutOfMemory);
    ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
    EXPECT_EQ(calls, 0);
    run(kMany, work);
    EXPECT_EQ(calls, kMany);
}

#endif

TEST(ThreadPool, WorkInsideWorkIsOneThreads) {
    std::atomic<int> inner{0};
    auto nested = [&] {
        EXPECT_EQ(ThreadPool::team(), 1);
        ++inner;
    };
    auto outer = [&] {
        run(3, nested);
        EXPECT_EQ(ThreadPool::team(), 3);
    };
    run(3, outer);
    EXPECT_EQ(inner, 3);
}

TEST(ThreadPool, TeamsOfSeveralThreadsTakeTurns) {
    constexpr int kCallers = 4, kRounds = 200, kTeam = 3;
    std::atomic<int> inside{0}, total{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
        callers.emplace_back([&] {
            auto work = [&] {
                EXPECT_LE(++inside, kTeam);
                ++total;
                --inside;
            };
            for (int round = 0; round < kRounds; ++round) run(kTeam, work);
        });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(total, kCallers * kRounds * kTeam);
}

TEST(ThreadPool, ABarrierWaitsForAll) {
    constexpr int kTeam = 4, kRounds = 50;
    std::array<int, kTeam> progress{};
    auto work = [&] {
        const auto me = static_cast<std::size_t>(ThreadPool::number());
        for (int round = 1; round <= kRounds; ++round) {
            progress[me] = round;
            ThreadPool::get().barrier();
            EXPECT_EQ(std::accumulate(progress.begin(), progress.end(), 0), kTeam * round);
            ThreadPool::get().barrier();
        }
    };
    run(kTeam, work);
}

TEST(ThreadPool, SpreadCoversEveryElementOnce) {
    for (const std::int64_t count : {0, 1, 3, 17, 33, 1000}) {
        for (const std::int64_t grain : {1, 4, 64}) {
            std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
            spread(count, grain, [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t i = first; i < last; ++i) ++seen[static_cast<std::size_t>(i)];
            });
            for (const std::atomic<int>& times : seen) EXPECT_EQ(times, 1);
        }
    }
}

} // namespace
} // namespace tensorvk::kernels::cpu
