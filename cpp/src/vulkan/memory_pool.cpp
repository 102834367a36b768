#include "vulkan/memory_pool.hpp"

#include <algorithm>

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/device.hpp"
#include "vulkan/mapped_ranges.hpp"

namespace tensorvk::vulkan {

struct MemoryPool::Block {
    explicit Block(std::uint64_t bytes) : size(bytes), list(bytes) {}

    std::uint64_t size;
    FreeList list;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    std::byte* mapped = nullptr;
};

MemoryPool::MemoryPool(const Device& device, std::uint32_t memory_type, std::uint64_t block_size)
    : device_(device),
      memory_type_(memory_type),
      block_size_(block_size),
      host_visible_(device.offer().memory_types.at(memory_type).host_visible) {
}

MemoryPool::~MemoryPool() {
    while (!blocks_.empty()) remove_block(*blocks_.back());
}

MemoryPool::Piece MemoryPool::allocate(std::uint64_t size, std::uint64_t alignment) {
    const std::uint64_t limit = device_.caps().limits.max_allocation;
    if (limit > 0 && size > limit) {
        throw OutOfMemory(
            text("An allocation of ", size, " bytes is larger than this device allows (", limit, " bytes)."));
    }
    const std::lock_guard lock(mutex_);
    const std::uint64_t heap = device_.offer().memory_heaps.at(device_.offer().memory_types[memory_type_].heap).size;
    if (size > heap || used_ > heap - size) {
        throw OutOfMemory(text("An allocation of ", size, " bytes does not fit: ", used_, " of the memory's ", heap,
                               " bytes are in use."));
    }
    Piece piece = allocate_in_blocks(size, alignment);
    used_ += piece.size;
    return piece;
}

MemoryPool::Piece MemoryPool::allocate_in_blocks(std::uint64_t size, std::uint64_t alignment) {
    const auto from = [&](Block& block) -> Piece {
        const auto offset = block.list.allocate(size, alignment);
        if (!offset) return {};
        std::byte* mapped = block.mapped == nullptr ? nullptr : block.mapped + *offset;
        return {block.memory, *offset, size, mapped, &block};
    };
    if (size > block_size_ / 4) return from(add_block(size));
    for (const auto& block : blocks_) {
        if (block->size != block_size_) continue;
        if (Piece piece = from(*block); piece.block != nullptr) return piece;
    }
    return from(add_block(block_size_));
}

void MemoryPool::free(const Piece& piece) noexcept {
    if (piece.block == nullptr) return;
    const std::lock_guard lock(mutex_);
    piece.block->list.free(piece.offset, piece.size);
    used_ -= piece.size;
    if (!piece.block->list.empty()) return;
    // One empty block stays, so that a program that frees and allocates in turn does not ask the driver each time.
    const bool shared = piece.block->size == block_size_;
    const auto is_spare = [&](const auto& b) {
        return b.get() != piece.block && b->size == block_size_ && b->list.empty();
    };
    if (!shared || std::any_of(blocks_.begin(), blocks_.end(), is_spare)) remove_block(*piece.block);
}

std::uint64_t MemoryPool::used_bytes() const {
    const std::lock_guard lock(mutex_);
    return used_;
}

std::uint64_t MemoryPool::reserved_bytes() const {
    const std::lock_guard lock(mutex_);
    return reserved_;
}

MemoryPool::Block& MemoryPool::add_block(std::uint64_t size) {
    auto block = std::make_unique<Block>(size);
    VkMemoryAllocateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    info.allocationSize = size;
    info.memoryTypeIndex = memory_type_;
    const VkResult result = device_.fn().AllocateMemory(device_.handle(), &info, nullptr, &block->memory);
    if (result < 0) {
        throw_result(result, text("allocate ", size, " bytes (", reserved_, " are allocated already)"));
    }
    if (host_visible_) {
        void* mapped = nullptr;
        const VkResult map_result =
            device_.fn().MapMemory(device_.handle(), block->memory, 0, VK_WHOLE_SIZE, 0, &mapped);
        if (map_result < 0) {
            device_.fn().FreeMemory(device_.handle(), block->memory, nullptr);
            throw_result(map_result, text("map ", size, " bytes"));
        }
        block->mapped = static_cast<std::byte*>(mapped);
        MappedRanges::instance().add(mapped, size);
    }
    reserved_ += size;
    blocks_.push_back(std::move(block));
    return *blocks_.back();
}

void MemoryPool::remove_block(Block& block) noexcept {
    // First, because the address may be anybody's as soon as the memory is gone.
    if (block.mapped != nullptr) MappedRanges::instance().remove(block.mapped);
    device_.fn().FreeMemory(device_.handle(), block.memory, nullptr);
    reserved_ -= block.size;
    std::erase_if(blocks_, [&](const auto& b) { return b.get() == &block; });
}

} // namespace tensorvk::vulkan
