#include "stream/address_space.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "stream/errors.hpp"
#include "vulkan/mapped_ranges.hpp"

namespace tensorvk::stream {
namespace {

constexpr std::size_t kRememberedFreed = 4096;

struct Hex {
    std::uint64_t value;
};

std::ostream& operator<<(std::ostream& out, Hex hex) {
    return out << "0x" << std::hex << hex.value << std::dec;
}

std::string describe(std::uint64_t base, std::uint64_t size) {
    return text("[", Hex{base}, ", ", Hex{base + size}, ") of ", size, " bytes");
}

std::uint64_t distance(std::uint64_t address, std::uint64_t base, std::uint64_t size) {
    if (address < base) return base - address;
    return address >= base + size ? address - (base + size) : 0;
}

} // namespace

AddressSpace& AddressSpace::instance() {
    static auto* space = new AddressSpace; // memory may be freed while the process ends
    return *space;
}

std::uint64_t AddressSpace::add_device(std::shared_ptr<vulkan::Buffer> buffer) {
    const std::unique_lock lock(mutex_);
    const std::uint64_t base = next_;
    const std::uint64_t size = buffer->size();
    next_ += (size + kGap + kAlignment - 1) / kAlignment * kAlignment;
    entries_.emplace(base, Entry{size, 0, std::move(buffer), RegionKind::kDevice});
    return base;
}

void AddressSpace::add_host(std::uint64_t address, std::uint64_t size, std::shared_ptr<vulkan::Buffer> buffer,
                            std::uint64_t offset, RegionKind kind) {
    const std::unique_lock lock(mutex_);
    const auto next = entries_.lower_bound(address);
    const bool after = next != entries_.end() && next->first < address + size;
    const bool before = next != entries_.begin() && std::prev(next)->first + std::prev(next)->second.size > address;
    if (after || before) {
        const auto& [base, entry] = after ? *next : *std::prev(next);
        throw OverlappingRegistration(text("Host memory ", describe(address, size),
                                           " overlaps memory that is registered already: ", describe(base, entry.size),
                                           "."));
    }
    entries_.emplace(address, Entry{size, offset, std::move(buffer), kind});
}

Region AddressSpace::remove(std::uint64_t address, RegionKind kind) {
    const std::unique_lock lock(mutex_);
    const auto found = holder(address);
    if (found == entries_.end()) throw InvalidArgument(explain_miss(address, 1, "pointer"));
    const auto& [base, entry] = *found;
    if (base != address) {
        throw InvalidArgument(text("Pointer ", Hex{address},
                                   " is inside an allocation, not its beginning: ", describe(base, entry.size), "."));
    }
    if (entry.kind != kind) {
        throw InvalidArgument(
            text("Pointer ", Hex{address},
                 " was not allocated by the function that belongs to this one (cudaMalloc "
                 "and cudaFree, cudaHostAlloc and cudaFreeHost, cudaHostRegister and cudaHostUnregister)."));
    }
    Region region{entry.buffer, entry.offset, entry.size, address, kind};
    entries_.erase(found);
    if (kind != RegionKind::kRegistered) freed_.push_back({address, region.remaining});
    if (freed_.size() > kRememberedFreed) freed_.pop_front();
    return region;
}

Region AddressSpace::resolve(std::uint64_t address, std::uint64_t size, const char* what) const {
    const std::shared_lock lock(mutex_);
    const auto found = holder(address);
    if (found == entries_.end()) throw InvalidArgument(explain_miss(address, size, what));
    const auto& [base, entry] = *found;
    const std::uint64_t offset = address - base;
    const std::uint64_t remaining = entry.size - offset;
    if (size > remaining) {
        throw InvalidArgument(text("The ", what, " ", Hex{address}, " has ", remaining, " bytes left, ", size,
                                   " are needed: the allocation is ", describe(base, entry.size), "."));
    }
    return {entry.buffer, entry.offset + offset, remaining, base, entry.kind};
}

std::optional<Region> AddressSpace::find(std::uint64_t address, std::uint64_t size, const char* what) const {
    if (!is_device_address(address)) {
        const std::shared_lock lock(mutex_);
        if (holder(address) == entries_.end()) {
            if (!vulkan::MappedRanges::instance().touches(address, size)) return std::nullopt;
            throw InvalidArgument(explain_miss(address, size, what));
        }
    }
    return resolve(address, size, what);
}

bool AddressSpace::holds(std::uint64_t address) const {
    const std::shared_lock lock(mutex_);
    return holder(address) != entries_.end();
}

std::size_t AddressSpace::size() const {
    const std::shared_lock lock(mutex_);
    return entries_.size();
}

AddressSpace::Entries::const_iterator AddressSpace::holder(std::uint64_t address) const {
    auto next = entries_.upper_bound(address);
    if (next == entries_.begin()) return entries_.end();
    const auto candidate = std::prev(next);
    return address - candidate->first < candidate->second.size ? candidate : entries_.end();
}

std::string AddressSpace::explain_miss(std::uint64_t address, std::uint64_t size, const char* what) const {
    if (address == 0) return text("The ", what, " is null, ", size, " bytes of memory are needed.");
    const bool pinned = !is_device_address(address) && vulkan::MappedRanges::instance().touches(address, size);
    const bool ours = is_device_address(address) || pinned; // other host memory may be anybody's by now
    if (const Freed* freed = freed_holder(address); ours && freed != nullptr) {
        return text("The ", what, " ", Hex{address},
                    " points into memory that was freed: ", describe(freed->base, freed->size), ".");
    }
    if (!ours) {
        return text("The ", what, " ", Hex{address},
                    " is no device memory: use an address from cudaMalloc, or pin host memory with cudaHostAlloc or "
                    "cudaHostRegister.");
    }
    return text("The ", what, " ", Hex{address}, pinned ? " is in no pinned allocation" : " is in no allocation",
                nearest(address), ".");
}

std::string AddressSpace::nearest(std::uint64_t address) const {
    const Entries::value_type* best = nullptr;
    const auto consider = [&](const Entries::value_type& entry) {
        if (is_device_address(entry.first) != is_device_address(address)) return;
        if (best == nullptr ||
            distance(address, entry.first, entry.second.size) < distance(address, best->first, best->second.size)) {
            best = &entry;
        }
    };
    const auto next = entries_.upper_bound(address);
    if (next != entries_.end()) consider(*next);
    if (next != entries_.begin()) consider(*std::prev(next));
    if (best == nullptr) {
        return text(", and no ", is_device_address(address) ? "device" : "pinned", " memory is allocated");
    }
    const auto& [base, entry] = *best;
    return text(": it lies ", distance(address, base, entry.size), " bytes ",
                address < base ? "before" : "behind the end of", " the nearest one, ", describe(base, entry.size));
}

const AddressSpace::Freed* AddressSpace::freed_holder(std::uint64_t address) const {
    const auto found = std::find_if(freed_.rbegin(), freed_.rend(), [&](const Freed& freed) {
        return address >= freed.base && address - freed.base < freed.size;
    });
    return found == freed_.rend() ? nullptr : &*found;
}

} // namespace tensorvk::stream
