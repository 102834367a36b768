// Work spread over the threads that CPU kernels share.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tensorvk::kernels::cpu {

//! The thread pool as a table of functions: the component, a library of its own, uses the pool of the one that opened it.
struct Workers {
    int (*threads)() noexcept = nullptr; // how many a team should have
    void (*run)(int threads, void (*work)(void* data), void* data) = nullptr;
    int (*number)() noexcept = nullptr; // of the calling thread in its team
    int (*team)() noexcept = nullptr;   // how many there are
    void (*barrier)() noexcept = nullptr;
};

[[nodiscard]] const Workers& workers() noexcept;
//! For the component. `workers` stays.
void use_workers(const Workers& workers) noexcept;

//! Calls work(first, last) for pieces of 0 .. count, each of at least `grain` but for the last, on as many threads as there are. `work`
//! throws nothing.
template <typename Work>
void spread(std::int64_t count, std::int64_t grain, const Work& work) {
    if (count <= 0) return;
    struct Shared {
        const Work& work;
        std::int64_t count, grain;
    };
    const std::int64_t grains = (count + grain - 1) / grain;
    const int pieces = grains == 1 ? 1 : static_cast<int>(std::min<std::int64_t>(workers().threads(), grains));
    if (pieces <= 1) {
        work(std::int64_t{0}, count);
        return;
    }
    Shared shared{work, count, grain};
    const auto piece = [](void* data) {
        const auto& s = *static_cast<const Shared*>(data);
        const int number = workers().number(), team = workers().team();
        // Whole grains, so that no two threads write one cache line in the middle.
        const std::int64_t each = (s.count + s.grain - 1) / s.grain;
        const std::int64_t first = each * number / team * s.grain, last = std::min(each * (number + 1) / team * s.grain, s.count);
        if (first < last) s.work(first, last);
    };
    workers().run(pieces, piece, &shared);
}

} // namespace tensorvk::kernels::cpu
