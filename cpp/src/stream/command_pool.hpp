// Command buffers for copies and timestamps, used again and again.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "vulkan/command_buffer.hpp"

namespace tensorvk::stream {

class CommandPool {
  public:
    explicit CommandPool(std::shared_ptr<vulkan::Device> device, bool copies_alone = false);

    //! A command buffer that has begun. It comes back here, and lets go of what it kept, with the last reference to it.
    [[nodiscard]] std::shared_ptr<vulkan::CommandBuffer> acquire();

  private:
    struct Shelf {
        std::mutex mutex;
        std::vector<std::unique_ptr<vulkan::CommandBuffer>> free;
    };
    std::shared_ptr<vulkan::Device> device_;
    bool copies_alone_;
    std::shared_ptr<Shelf> shelf_;
};

} // namespace tensorvk::stream
