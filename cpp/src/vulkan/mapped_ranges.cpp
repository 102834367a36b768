#include "vulkan/mapped_ranges.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <mutex>

namespace tensorvk::vulkan {
namespace {

std::uint64_t address_of(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

} // namespace

MappedRanges& MappedRanges::instance() {
    static auto* ranges = new MappedRanges; // memory may be freed while the process ends
    return *ranges;
}

void MappedRanges::add(const void* begin, std::uint64_t size) {
    const std::unique_lock lock(mutex_);
    sizes_.emplace(address_of(begin), size);
}

void MappedRanges::remove(const void* begin) {
    const std::unique_lock lock(mutex_);
    sizes_.erase(address_of(begin));
}

bool MappedRanges::touches(std::uint64_t address, std::uint64_t size) const {
    constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t end = address + std::min(std::max<std::uint64_t>(size, 1), kEnd - address);
    const std::shared_lock lock(mutex_);
    const auto behind = sizes_.lower_bound(end);
    if (behind == sizes_.begin()) return false;
    const auto& [base, bytes] = *std::prev(behind); // blocks do not overlap, so the last one before the end decides
    return address < base + bytes;
}

} // namespace tensorvk::vulkan
