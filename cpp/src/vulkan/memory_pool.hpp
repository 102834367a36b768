// Memory of one type, handed out in pieces of large blocks: drivers limit the number of allocations (4096 is common).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "vulkan/api.hpp"
#include "vulkan/free_list.hpp"

namespace tensorvk::vulkan {

class Device;

class MemoryPool {
  public:
    struct Block;
    struct Piece {
        VkDeviceMemory memory = VK_NULL_HANDLE;
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        std::byte* mapped = nullptr; // nullptr when the type is not host-visible
        Block* block = nullptr;
    };

    MemoryPool(const Device& device, std::uint32_t memory_type, std::uint64_t block_size);
    ~MemoryPool();
    MemoryPool(const MemoryPool&) = delete;
    MemoryPool& operator=(const MemoryPool&) = delete;

    //! Throws OutOfMemory. Pieces above a quarter of a block get an allocation of their own.
    [[nodiscard]] Piece allocate(std::uint64_t size, std::uint64_t alignment);
    void free(const Piece& piece) noexcept;

    //! Bytes of the live pieces.
    [[nodiscard]] std::uint64_t used_bytes() const;
    //! Bytes taken from the driver.
    [[nodiscard]] std::uint64_t reserved_bytes() const;

  private:
    [[nodiscard]] Piece allocate_in_blocks(std::uint64_t size, std::uint64_t alignment);
    [[nodiscard]] Block& add_block(std::uint64_t size);
    void remove_block(Block& block) noexcept;

    const Device& device_;
    std::uint32_t memory_type_;
    std::uint64_t block_size_;
    bool host_visible_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Block>> blocks_;
    std::uint64_t used_ = 0;
    std::uint64_t reserved_ = 0;
};

} // namespace tensorvk::vulkan
