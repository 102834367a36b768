#include "stream/staging.hpp"

#include <utility>

namespace tensorvk::stream {
namespace {
constexpr std::uint64_t kSmall = 64ULL << 10;
// More than this many idle buffers of a kind are given back.
constexpr std::size_t kMostIdle = 8;
} // namespace

Staging::Staging(std::shared_ptr<vulkan::Device> device)
    : device_(std::move(device)), small_(std::make_shared<Shelf>()), chunks_(std::make_shared<Shelf>()) {
}

std::shared_ptr<vulkan::Buffer> Staging::acquire(std::uint64_t bytes) {
    if (bytes > kChunk) return std::make_shared<vulkan::Buffer>(device_, bytes, vulkan::BufferPlace::kHost);
    const std::shared_ptr<Shelf>& shelf = bytes <= kSmall ? small_ : chunks_;
    std::unique_ptr<vulkan::Buffer> buffer;
    {
        const std::lock_guard lock(shelf->mutex);
        if (!shelf->free.empty()) {
            buffer = std::move(shelf->free.back());
            shelf->free.pop_back();
        }
    }
    if (!buffer) {
        buffer =
            std::make_unique<vulkan::Buffer>(device_, bytes <= kSmall ? kSmall : kChunk, vulkan::BufferPlace::kHost);
    }
    return {buffer.release(), [shelf](vulkan::Buffer* used) {
                std::unique_ptr<vulkan::Buffer> back(used);
                const std::lock_guard lock(shelf->mutex);
                if (shelf->free.size() < kMostIdle) shelf->free.push_back(std::move(back));
            }};
}

} // namespace tensorvk::stream
