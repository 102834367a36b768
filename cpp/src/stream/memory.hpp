// Allocation of device and pinned memory under addresses of the flat space.
#pragma once

#include <cstdint>
#include <memory>

#include "stream/stream.hpp"

namespace tensorvk::stream {

//! Device memory of `bytes` on `device`. 0 bytes give address 0. Throws OutOfMemory.
[[nodiscard]] std::uint64_t allocate_device(const std::shared_ptr<vulkan::Device>& device, std::uint64_t bytes);
//! Frees what allocate_device() returned, after all work of its device is done; 0 is allowed. Throws InvalidArgument.
void free_device(std::uint64_t address);
//! As free_device(), when the work given to `stream` so far is done; the address is gone at once.
void free_device_async(std::uint64_t address, Stream& stream);

//! Host memory that copies use directly and kernels may read; a real pointer. 0 bytes give nullptr. Throws OutOfMemory.
[[nodiscard]] void* allocate_host(const std::shared_ptr<vulkan::Device>& device, std::uint64_t bytes);
void free_host(void* pointer);

//! Makes the user's memory known, without copying where the driver can import it. Throws InvalidArgument when it
//! overlaps a known one.
void register_host(const std::shared_ptr<vulkan::Device>& device, void* pointer, std::uint64_t bytes);
void unregister_host(void* pointer);

} // namespace tensorvk::stream
