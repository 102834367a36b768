// Work spread over the threads that CPU kernels share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

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

//! How many pieces spread() makes at most: memory for each has to be there before.
[[nodiscard]] inline int pieces_of(std::int64_t count, std::int64_t grain) noexcept {
    const std::int64_t grains = (count + grain - 1) / grain;
    return grains <= 1 ? 1 : static_cast<int>(std::min<std::int64_t>(workers().threads(), grains));
}

//! Calls work(first, last) or work(first, last, piece) for pieces of 0 .. count, each of at least `grain` but for the last, on as many threads
//! as there are. `work` throws nothing.
template <typename Work>
void spread(std::int64_t count, std::int64_t grain, const Work& work) {
    const auto call = [](const Work& one, std::int64_t first, std::int64_t last, int piece) {
        if constexpr (std::is_invocable_v<const Work&, std::int64_t, std::int64_t, int>) {
            one(first, last, piece);
        } else {
            one(first, last);
        }
    };
    if (count <= 0) return;
    struct Shared {
        const Work& work;
        std::int64_t count, grain;
    };
    const int pieces = pieces_of(count, grain);
    if (pieces <= 1) {
        call(work, std::int64_t{0}, count, 0);
        return;
    }
    Shared shared{work, count, grain};
    const auto piece = [](void* data) {
        const auto& s = *static_cast<const Shared*>(data);
        const int number = workers().number(), team = workers().team();
        // Whole grains, so that no two threads write one cache line in the middle.
        const std::int64_t each = (s.count + s.grain - 1) / s.grain;
        const std::int64_t first = each * number / team * s.grain, last = std::min(each * (number + 1) / team * s.grain, s.count);
        if (first < last) decltype(call)()(s.work, first, last, number);
    };
    workers().run(pieces, piece, &shared);
}

} // namespace tensorvk::kernels::cpu
