#include "vulkan/free_list.hpp"

#include <iterator>

namespace tensorvk::vulkan {

FreeList::FreeList(std::uint64_t size) : size_(size), free_bytes_(size) {
    if (size > 0) ranges_.emplace(0, size);
}

std::optional<std::uint64_t> FreeList::allocate(std::uint64_t size, std::uint64_t alignment) {
    for (auto range = ranges_.begin(); range != ranges_.end(); ++range) {
        const auto [begin, length] = *range;
        const std::uint64_t aligned = (begin + alignment - 1) & ~(alignment - 1);
        const std::uint64_t skipped = aligned - begin;
        if (length < skipped || length - skipped < size) continue;
        ranges_.erase(range);
        if (skipped > 0) ranges_.emplace(begin, skipped);
        if (length - skipped > size) ranges_.emplace(aligned + size, length - skipped - size);
        free_bytes_ -= size;
        return aligned;
    }
    return std::nullopt;
}

void FreeList::free(std::uint64_t offset, std::uint64_t size) {
    free_bytes_ += size;
    auto next = ranges_.lower_bound(offset);
    if (next != ranges_.begin()) {
        const auto previous = std::prev(next);
        if (previous->first + previous->second == offset) {
            offset = previous->first;
            size += previous->second;
            ranges_.erase(previous);
        }
    }
    if (next != ranges_.end() && offset + size == next->first) {
        size += next->second;
        ranges_.erase(next);
    }
    ranges_.emplace(offset, size);
}

} // namespace tensorvk::vulkan
