// Where each activation lies in the arena.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/program.hpp"

namespace tensorvk::plan {

//! First and last barrier group in which a buffer is used; first > last: never.
struct Lifetime {
    std::int32_t first = INT32_MAX;
    std::int32_t last = -1;
    [[nodiscard]] bool used() const noexcept { return first <= last; }
    [[nodiscard]] bool overlaps(const Lifetime& other) const noexcept {
        return first <= other.last && other.first <= last;
    }
};

//! Per buffer of the program. Steps of one group run at the same time, so a buffer is occupied for whole groups. A view keeps the buffer that it lies in.
[[nodiscard]] std::vector<Lifetime> lifetimes(const Program& program);

struct MemoryPlan {
    static constexpr std::int64_t kNowhere = -1;
    std::vector<std::int64_t>
        offsets;             // per buffer, bytes; kNowhere for those that are not in the arena, unused or empty
    std::uint64_t total = 0; // bytes
};

//! `values`: all expressions of the program for concrete shapes. Offsets and total are multiples of `alignment`. The
//! largest buffers are placed first, each into the smallest gap that holds it.
[[nodiscard]] MemoryPlan plan_memory(const Program& program, std::span<const std::int64_t> values,
                                     std::uint64_t alignment);

} // namespace tensorvk::plan
