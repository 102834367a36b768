// One flat space of 64-bit addresses for device memory and for host memory that TensorVK knows.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>

#include "vulkan/buffer.hpp"

namespace tensorvk::stream {

enum class RegionKind {
    kDevice,     // an address of ours that means nothing to the host
    kPinned,     // host memory that TensorVK allocated; the address is the host's
    kRegistered, // host memory of the user's; the address is the host's
};

//! What an address points at.
struct Region {
    std::shared_ptr<vulkan::Buffer> buffer; // null for registered memory that the driver would not import
    std::uint64_t offset = 0;               // bytes from the buffer's start
    std::uint64_t remaining = 0;            // bytes from the address to the allocation's end
    std::uint64_t base = 0;                 // the allocation's first address
    RegionKind kind = RegionKind::kDevice;
};

//! Device addresses start above everything a host pointer can be, are 256-byte aligned, lie at least 64 KiB apart and
//! are never used twice: a pointer that runs out of its allocation or outlives it never points into another one.
//! Thread-safe.
class AddressSpace {
  public:
    static constexpr std::uint64_t kFirstDeviceAddress = 1ULL << 60;
    static constexpr std::uint64_t kAlignment = 256;
    static constexpr std::uint64_t kGap = 64ULL << 10;

    AddressSpace() = default;
    AddressSpace(const AddressSpace&) = delete;
    AddressSpace& operator=(const AddressSpace&) = delete;

    //! The process's own.
    [[nodiscard]] static AddressSpace& instance();

    [[nodiscard]] static bool is_device_address(std::uint64_t address) noexcept {
        return address >= kFirstDeviceAddress;
    }

    //! Gives device memory an address.
    [[nodiscard]] std::uint64_t add_device(std::shared_ptr<vulkan::Buffer> buffer);
    //! Enters host memory [address, address + size) under its own address. Throws InvalidArgument when it overlaps an
    //! entry.
    void add_host(std::uint64_t address, std::uint64_t size, std::shared_ptr<vulkan::Buffer> buffer,
                  std::uint64_t offset, RegionKind kind);
    //! Removes the allocation that starts at `address` and is of this kind, and hands out what it held. Throws
    //! InvalidArgument.
    [[nodiscard]] Region remove(std::uint64_t address, RegionKind kind);

    //! The allocation that holds [address, address + size), which may begin inside it. Throws InvalidArgument, with the
    //! address and the nearest allocation, and says whether the memory was freed, never allocated, or is too small.
    //! `what` names the pointer in the message.
    [[nodiscard]] Region resolve(std::uint64_t address, std::uint64_t size, const char* what = "pointer") const;
    //! As resolve(), for addresses that may be ordinary host memory: nothing for those. Memory that touches the blocks
    //! from which pinned memory is taken is not ordinary.
    [[nodiscard]] std::optional<Region> find(std::uint64_t address, std::uint64_t size,
                                             const char* what = "pointer") const;

    //! Whether the address is inside an allocation.
    [[nodiscard]] bool holds(std::uint64_t address) const;

    //! Number of live allocations.
    [[nodiscard]] std::size_t size() const;

  private:
    struct Entry {
        std::uint64_t size = 0;
        std::uint64_t offset = 0;
        std::shared_ptr<vulkan::Buffer> buffer;
        RegionKind kind = RegionKind::kDevice;
    };
    using Entries = std::map<std::uint64_t, Entry>;
    struct Freed {
        std::uint64_t base = 0;
        std::uint64_t size = 0;
    };

    [[nodiscard]] Entries::const_iterator holder(std::uint64_t address) const;
    [[nodiscard]] std::string explain_miss(std::uint64_t address, std::uint64_t size, const char* what) const;
    [[nodiscard]] std::string nearest(std::uint64_t address) const;
    [[nodiscard]] const Freed* freed_holder(std::uint64_t address) const;

    mutable std::shared_mutex mutex_;
    Entries entries_;
    std::deque<Freed> freed_; // the latest ones, device and pinned, for messages
    std::uint64_t next_ = kFirstDeviceAddress;
};

} // namespace tensorvk::stream
