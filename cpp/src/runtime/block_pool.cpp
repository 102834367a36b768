#include "runtime/block_pool.hpp"

#include <algorithm>
#include <bit>

namespace tensorvk::runtime {
namespace {

//! Sizes in steps of an eighth of their power of two, so that tensors which grow a little fit the same block.
std::uint64_t rounded(std::uint64_t bytes) {
    constexpr std::uint64_t kLeast = 256;
    const std::uint64_t step = std::max(std::bit_floor(bytes) / 8, kLeast);
    return (bytes + step - 1) / step * step;
}

} // namespace

Slice BlockPool::take(std::uint64_t bytes, vulkan::BufferPlace place) {
    const std::uint64_t size = rounded(bytes);
    const auto fits = [&](const std::unique_ptr<Block>& block) {
        return !block->used && block->buffer->place() == place && block->buffer->size() == size;
    };
    auto found = std::find_if(blocks_.begin(), blocks_.end(), fits);
    if (found == blocks_.end()) {
        blocks_.push_back(std::make_unique<Block>());
        found = blocks_.end() - 1;
        try {
            (*found)->buffer = std::make_shared<vulkan::Buffer>(device_, size, place);
        } catch (...) {
            blocks_.pop_back();
            throw;
        }
    }
    Block* block = found->get();
    block->used = true;
    // The last copy gives the block back; it keeps the pool alive for that.
    std::shared_ptr<vulkan::Buffer> memory(block->buffer.get(), [block, pool = shared_from_this()](vulkan::Buffer*) { block->used = false; });
    return {std::move(memory), 0, bytes};
}

Slice BlockPool::remembered(const Slice& slice) const {
    const auto found = std::find_if(blocks_.begin(), blocks_.end(), [&](const auto& block) { return block->buffer.get() == slice.memory.get(); });
    return found == blocks_.end() ? slice : Slice{(*found)->buffer, slice.offset, slice.size};
}

void BlockPool::trim() {
    std::erase_if(blocks_, [](const std::unique_ptr<Block>& block) { return !block->used; });
}

std::uint64_t BlockPool::idle_bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const auto& block : blocks_) {
        bytes += block->used ? 0 : block->buffer->size();
    }
    return bytes;
}

std::uint64_t BlockPool::used_bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const auto& block : blocks_) {
        bytes += block->used ? block->buffer->size() : 0;
    }
    return bytes;
}

} // namespace tensorvk::runtime
