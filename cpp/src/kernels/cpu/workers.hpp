// Work spread over the processor's cores. The threads are those of the component, which shares them with oneDNN: two pools would fight for the
// same cores. Where there is no component, the caller's thread does it all.
#pragma once

#include <algorithm>
#include <cstdint>

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
    const Workers& all = workers();
    const int pieces = all.count == nullptr || grains == 1 ? 1 : static_cast<int>(std::min<std::int64_t>(all.count(), grains));
    if (pieces <= 1) {
        work(std::int64_t{0}, count);
        return;
    }
    const Shared shared{work, count, grain};
    const auto piece_of = [](const void* data, int piece, int of) noexcept {
        const auto& s = *static_cast<const Shared*>(data);
        // Whole grains, so that no two threads write one cache line in the middle.
        const std::int64_t each = (s.count + s.grain - 1) / s.grain;
        const std::int64_t first = each * piece / of * s.grain, last = std::min(each * (piece + 1) / of * s.grain, s.count);
        if (first < last) s.work(first, last);
    };
    all.run(pieces, piece_of, &shared);
}

} // namespace tensorvk::kernels::cpu
