// Where the memory pools' blocks lie in the host's address space.
#pragma once

#include <cstdint>
#include <map>
#include <shared_mutex>

namespace tensorvk::vulkan {

//! Blocks hold live and unused pieces side by side, so an address in one that belongs to no live piece is a mistake,
//! though the memory can be read and written. Thread-safe.
class MappedRanges {
  public:
    //! Of all pools of the process.
    [[nodiscard]] static MappedRanges& instance();

    void add(const void* begin, std::uint64_t size);
    void remove(const void* begin);
    //! Whether some byte of [address, address + size) lies in a block; 0 bytes count as one.
    [[nodiscard]] bool touches(std::uint64_t address, std::uint64_t size) const;

  private:
    mutable std::shared_mutex mutex_;
    std::map<std::uint64_t, std::uint64_t> sizes_; // by first address
};

} // namespace tensorvk::vulkan
