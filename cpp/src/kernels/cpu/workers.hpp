// Work spread over the processor's cores. The threads are those of the component, which shares them with oneDNN: two pools would fight for the
// same cores. Where there is no component, the caller's thread does it all.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace tensorvk::kernels::cpu {

struct Workers {
    //! How many pieces may run at the same time.
    int (*count)() noexcept = nullptr;
    //! Calls work(data, piece, pieces) for every piece below `pieces`, and returns when all are done.
    void (*run)(int pieces, void (*work)(const void* data, int piece, int pieces) noexcept, const void* data) noexcept = nullptr;
};

[[nodiscard]] const Workers& workers() noexcept;
//! For the component itself, whose copy of this code has no component to ask.
void use_workers(const Workers* workers) noexcept;

//! How many pieces spread() makes at most: memory for each has to be there before.
[[nodiscard]] inline int pieces_of(std::int64_t count, std::int64_t grain) noexcept {
    const std::int64_t grains = (count + grain - 1) / grain;
    const Workers& all = workers();
    return all.count == nullptr || grains <= 1 ? 1 : static_cast<int>(std::min<std::int64_t>(all.count(), grains));
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
    const Shared shared{work, count, grain};
    const auto piece_of = [](const void* data, int piece, int of) noexcept {
        const auto& s = *static_cast<const Shared*>(data);
        // Whole grains, so that no two threads write one cache line in the middle.
        const std::int64_t each = (s.count + s.grain - 1) / s.grain;
        const std::int64_t first = each * piece / of * s.grain, last = std::min(each * (piece + 1) / of * s.grain, s.count);
        if (first < last) decltype(call)()(s.work, first, last, piece);
    };
    workers().run(pieces, piece_of, &shared);
}

} // namespace tensorvk::kernels::cpu
