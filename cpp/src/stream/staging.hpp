// Host-visible buffers between ordinary host memory and the device.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "vulkan/buffer.hpp"

namespace tensorvk::stream {

class Staging {
  public:
    static constexpr std::uint64_t kChunk = 4ULL << 20; // bytes

    explicit Staging(std::shared_ptr<vulkan::Device> device);

    //! A buffer of at least `bytes`; those up to kChunk come from a shelf and go back to it with the last reference.
    [[nodiscard]] std::shared_ptr<vulkan::Buffer> acquire(std::uint64_t bytes);

  private:
    struct Shelf {
        std::mutex mutex;
        std::vector<std::unique_ptr<vulkan::Buffer>> free;
    };
    std::shared_ptr<vulkan::Device> device_;
    std::shared_ptr<Shelf> small_;
    std::shared_ptr<Shelf> chunks_;
};

} // namespace tensorvk::stream
