#include <cstdint>

#include "stream/copy.hpp"
#include "stream/cudart_guard.hpp"
#include "stream/memory.hpp"
#include "support/error.hpp"

namespace tensorvk {
namespace {

using stream::guarded;
using stream::Stream;
using vulkan::Device;

std::uint64_t address(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

std::shared_ptr<Stream> get(cudaStream_t handle) {
    return Stream::from_handle(reinterpret_cast<std::uintptr_t>(handle));
}

void require(const void* result) {
    if (result == nullptr) throw InvalidArgument("The place for the pointer is null.");
}

} // namespace

cudaError_t cudaMalloc(void** devPtr, size_t size) {
    return guarded([&] {
        require(devPtr);
        *devPtr = nullptr;
        *devPtr = reinterpret_cast<void*>(stream::allocate_device(Device::current(), size));
    });
}

cudaError_t cudaMallocAsync(void** devPtr, size_t size, cudaStream_t stream) {
    return guarded([&] {
        require(devPtr);
        *devPtr = nullptr;
        *devPtr = reinterpret_cast<void*>(stream::allocate_device(get(stream)->device(), size));
    });
}

cudaError_t cudaFree(void* devPtr) {
    return guarded([&] { stream::free_device(address(devPtr)); });
}

cudaError_t cudaFreeAsync(void* devPtr, cudaStream_t stream) {
    return guarded([&] { stream::free_device_async(address(devPtr), *get(stream)); });
}

cudaError_t cudaMallocHost(void** ptr, size_t size, unsigned int flags) {
    return cudaHostAlloc(ptr, size, flags);
}

cudaError_t cudaHostAlloc(void** ptr, size_t size, unsigned int flags) {
    return guarded([&] {
        require(ptr);
        constexpr unsigned int kKnown = cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
        if ((flags & ~kKnown) != 0) throw InvalidArgument(text("cudaHostAlloc knows no flags ", flags, "."));
        *ptr = nullptr;
        *ptr = stream::allocate_host(Device::current(), size);
    });
}

cudaError_t cudaFreeHost(void* ptr) {
    return guarded([&] { stream::free_host(ptr); });
}

cudaError_t cudaHostRegister(void* ptr, size_t size, unsigned int) {
    return guarded([&] { stream::register_host(Device::current(), ptr, size); });
}

cudaError_t cudaHostUnregister(void* ptr) {
    return guarded([&] { stream::unregister_host(ptr); });
}

cudaError_t cudaMemcpy(void* dst, const void* src, size_t count, cudaMemcpyKind kind) {
    return guarded(
        [&] { stream::copy(address(dst), address(src), count, static_cast<stream::CopyKind>(kind), *get(nullptr)); });
}

cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t count, cudaMemcpyKind kind, cudaStream_t stream) {
    return guarded([&] {
        stream::copy_async(address(dst), address(src), count, static_cast<stream::CopyKind>(kind), *get(stream));
    });
}

cudaError_t cudaMemset(void* devPtr, int value, size_t count) {
    return guarded([&] { stream::fill(address(devPtr), static_cast<std::uint8_t>(value), count, *get(nullptr)); });
}

cudaError_t cudaMemsetAsync(void* devPtr, int value, size_t count, cudaStream_t stream) {
    return guarded([&] { stream::fill_async(address(devPtr), static_cast<std::uint8_t>(value), count, *get(stream)); });
}

} // namespace tensorvk
