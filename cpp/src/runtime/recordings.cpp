#include "runtime/recordings.hpp"

#include <algorithm>
#include <new>

#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

bool same_memory(const Slice& a, const Slice& b) noexcept {
    return a.memory == b.memory && a.offset == b.offset && a.size == b.size;
}

} // namespace

void HostWork::run() const {
    for (const Part& part : parts) {
        try {
            part.run();
        } catch (const std::bad_alloc&) {
            throw OutOfMemory(text("Layer '", *part.layer, "' needs more host memory than there is; use smaller shapes."));
        }
    }
}

bool Recording::is_for(std::span<const std::int64_t> for_symbols, std::span<const Slice> for_io,
                       const Slice& for_arena) const noexcept {
    return !pieces.empty() && std::equal(symbols.begin(), symbols.end(), for_symbols.begin(), for_symbols.end()) &&
           std::equal(io.begin(), io.end(), for_io.begin(), for_io.end(), same_memory) && same_memory(arena, for_arena);
}

void Recording::learn(std::chrono::nanoseconds took) noexcept {
    // The first run may include a driver's compilation. Waits sleep for most of what is expected, so an estimate that
    // is too long would prove itself right: it follows shorter runs at once and longer ones slowly.
    if (timed_runs == 1) {
        expected = took;
    } else if (timed_runs > 1) {
        expected = std::min(took, expected + expected / 8);
    }
    ++timed_runs;
}

Recording* Recordings::find(std::span<const std::int64_t> symbols, std::span<const Slice> io,
                            const Slice& arena) noexcept {
    const auto found =
        std::find_if(places_.begin(), places_.end(), [&](const Recording& r) { return r.is_for(symbols, io, arena); });
    if (found == places_.end()) {
        return nullptr;
    }
    found->last_use = ++clock_;
    return &*found;
}

Recording& Recordings::take_place() {
    Recording& place = *std::min_element(
        places_.begin(), places_.end(), [](const Recording& a, const Recording& b) { return a.last_use < b.last_use; });
    place = Recording{};
    place.last_use = ++clock_;
    return place;
}

void Recordings::keep_only(const vulkan::Buffer* memory) {
    for (Recording& place : places_) {
        if (place.arena.memory.get() != memory) {
            place = Recording{};
        }
    }
}

} // namespace tensorvk::runtime
