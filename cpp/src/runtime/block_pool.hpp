// Memory for tensors whose sizes are known only while a network runs. Given back blocks are used again, so that runs of the same shapes
// allocate nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/weights.hpp"
#include "vulkan/buffer.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::runtime {

class BlockPool : public std::enable_shared_from_this<BlockPool> {
  public:
    explicit BlockPool(std::shared_ptr<vulkan::Device> device) : device_(std::move(device)) {}

    //! `bytes` > 0. The block comes back when the last copy of the slice's memory is gone; it may be handed out again at once, so the work
    //! that uses it has to be ordered before what comes next.
    [[nodiscard]] Slice take(std::uint64_t bytes, vulkan::BufferPlace place);
    //! The same memory for those who only remember it (recordings): it may be handed out again meanwhile. Other memory stays as it is.
    [[nodiscard]] Slice remembered(const Slice& slice) const;
    //! Frees blocks that nobody has. Command buffers that were recorded with them must be gone.
    void trim();
    //! Bytes in blocks that nobody has.
    [[nodiscard]] std::uint64_t idle_bytes() const noexcept;
    [[nodiscard]] std::uint64_t used_bytes() const noexcept;

  private:
    struct Block {
        std::shared_ptr<vulkan::Buffer> buffer;
        bool used = false;
    };

    std::shared_ptr<vulkan::Device> device_;
    std::vector<std::unique_ptr<Block>> blocks_;
};

} // namespace tensorvk::runtime
