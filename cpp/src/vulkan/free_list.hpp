// First-fit allocation of ranges, without any memory behind them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace tensorvk::vulkan {

class FreeList {
  public:
    explicit FreeList(std::uint64_t size);

    //! Offset of a free range of `size` bytes (> 0) at a multiple of `alignment` (a power of two); nothing when none is
    //! large enough.
    [[nodiscard]] std::optional<std::uint64_t> allocate(std::uint64_t size, std::uint64_t alignment);
    //! Gives back a range that allocate() returned; neighbours are merged.
    void free(std::uint64_t offset, std::uint64_t size);

    [[nodiscard]] std::uint64_t free_bytes() const noexcept { return free_bytes_; }
    [[nodiscard]] bool empty() const noexcept { return free_bytes_ == size_; }

  private:
    std::uint64_t size_;
    std::uint64_t free_bytes_;
    std::map<std::uint64_t, std::uint64_t> ranges_; // offset -> size of what is free
};

} // namespace tensorvk::vulkan
