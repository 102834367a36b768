// A storage buffer with memory of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "vulkan/memory_pool.hpp"

namespace tensorvk::vulkan {

class Device;

enum class BufferPlace {
    kDevice, // fastest for kernels
    kHost,   // host-visible, coherent, cached where the device has such memory: staging and pinned memory
};

class Buffer {
  public:
    static constexpr std::uint64_t kPadding = 16; // bytes

    //! `size` in bytes, at least 1. Throws OutOfMemory (with the sizes) or InvalidArgument.
    Buffer(std::shared_ptr<Device> device, std::uint64_t size, BufferPlace place = BufferPlace::kDevice);
    //! A buffer over `size` bytes of the caller's memory at `host`, both multiples of
    //! caps().limits.host_import_alignment. Throws Unsupported when the driver refuses this memory.
    [[nodiscard]] static std::unique_ptr<Buffer> import_host(std::shared_ptr<Device> device, void* host,
                                                             std::uint64_t size);
    //! Bytes of the caller's that functions of the host read: no kernel of the device binds them, and nobody writes them.
    [[nodiscard]] static std::unique_ptr<Buffer> of_host(std::shared_ptr<Device> device, std::span<const std::byte> bytes);
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    [[nodiscard]] VkBuffer handle() const noexcept { return handle_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    //! Bytes that kernels may bind: size() rounded up to a multiple of kPadding, so that odd tails can be read by whole
    //! vectors.
    [[nodiscard]] std::uint64_t capacity() const noexcept { return (size_ + kPadding - 1) / kPadding * kPadding; }
    [[nodiscard]] BufferPlace place() const noexcept { return place_; }
    [[nodiscard]] Device& device() const noexcept { return *device_; }
    //! Address of the bytes in host memory, or nullptr. Reading through it is slow unless host_readable().
    [[nodiscard]] std::byte* mapped() const noexcept { return mapped_; }
    //! The host may read through mapped() at the speed of its own memory.
    [[nodiscard]] bool host_readable() const noexcept { return host_readable_; }

  private:
    struct ImportTag {};
    Buffer(ImportTag, std::shared_ptr<Device> device, void* host, std::uint64_t size);
    struct HostTag {};
    Buffer(HostTag, std::shared_ptr<Device> device, std::span<const std::byte> bytes);
    void create_handle(const void* next);
    void destroy() noexcept;

    std::shared_ptr<Device> device_;
    std::uint64_t size_;
    BufferPlace place_;
    VkBuffer handle_ = VK_NULL_HANDLE;
    MemoryPool::Piece piece_;
    VkDeviceMemory imported_ = VK_NULL_HANDLE;
    std::byte* mapped_ = nullptr;
    bool host_readable_ = false;
};

//! A range of a buffer, as a kernel binds it or a copy uses it.
struct BufferView {
    const Buffer* buffer = nullptr;
    std::uint64_t offset = 0; // bytes
    std::uint64_t size = 0;   // bytes
};

} // namespace tensorvk::vulkan
