#include "vulkan/buffer.hpp"

#include <array>

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {
namespace {

// Pieces of one block that different kernels write must not share a cache line or a page of the bus.
constexpr std::uint64_t kAlignment = 256;

MemoryPool& pool_of(const Device& device, BufferPlace place) {
    return place == BufferPlace::kDevice ? device.device_memory() : device.host_memory();
}

std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

} // namespace

Buffer::Buffer(std::shared_ptr<Device> device, std::uint64_t size, BufferPlace place)
    : device_(std::move(device)), size_(size), place_(place) {
    constexpr std::uint64_t kAbsurd = 1ULL << 56;
    if (size == 0) throw InvalidArgument("A buffer needs at least one byte.");
    if (size > kAbsurd) throw OutOfMemory(text("A buffer of ", size, " bytes is larger than any memory."));
    MemoryPool& pool = pool_of(*device_, place);
    try {
        piece_ = pool.allocate(align_up(size, kAlignment), kAlignment);
        create_handle(nullptr);
        VkMemoryRequirements needs{};
        device_->fn().GetBufferMemoryRequirements(device_->handle(), handle_, &needs);
        if (needs.size > piece_.size || needs.alignment > kAlignment) {
            const std::uint64_t alignment = std::max(needs.alignment, kAlignment);
            pool.free(piece_);
            piece_ = {};
            piece_ = pool.allocate(align_up(needs.size, alignment), alignment);
        }
        check(device_->fn().BindBufferMemory(device_->handle(), handle_, piece_.memory, piece_.offset),
              "bind memory to a buffer");
    } catch (...) {
        destroy();
        throw;
    }
    const bool reachable = place == BufferPlace::kHost || device_->caps().host_writable_device_memory;
    mapped_ = reachable ? piece_.mapped : nullptr;
    host_readable_ = mapped_ != nullptr && (place == BufferPlace::kHost || device_->caps().unified_memory);
}

std::unique_ptr<Buffer> Buffer::import_host(std::shared_ptr<Device> device, void* host, std::uint64_t size) {
    const std::uint64_t alignment = device->caps().limits.host_import_alignment;
    if (!device->caps().host_import) throw Unsupported("The driver cannot import host memory.");
    if (size == 0 || size % alignment != 0 || reinterpret_cast<std::uintptr_t>(host) % alignment != 0) {
        throw InvalidArgument(text("Host memory for import must begin and end at multiples of ", alignment, " bytes."));
    }
    return std::unique_ptr<Buffer>(new Buffer(ImportTag{}, std::move(device), host, size));
}

Buffer::Buffer(ImportTag, std::shared_ptr<Device> device, void* host, std::uint64_t size)
    : device_(std::move(device)), size_(size), place_(BufferPlace::kHost) {
    constexpr auto kHandleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    try {
        VkExternalMemoryBufferCreateInfo external{};
        external.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO;
        external.handleTypes = kHandleType;
        create_handle(&external);
        VkMemoryRequirements needs{};
        device_->fn().GetBufferMemoryRequirements(device_->handle(), handle_, &needs);
        VkMemoryHostPointerPropertiesEXT pointer{};
        pointer.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT;
        check(device_->fn().GetMemoryHostPointerPropertiesEXT(device_->handle(), kHandleType, host, &pointer),
              "look at host memory for import");
        const std::uint32_t types = needs.memoryTypeBits & pointer.memoryTypeBits;
        if (types == 0 || needs.size > size) throw Unsupported("The driver cannot use this host memory.");
        VkImportMemoryHostPointerInfoEXT import{};
        import.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT;
        import.handleType = kHandleType;
        import.pHostPointer = host;
        VkMemoryAllocateInfo info{};
        info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
        info.pNext = &import;
        info.allocationSize = size;
        info.memoryTypeIndex = static_cast<std::uint32_t>(__builtin_ctz(types));
        check(device_->fn().AllocateMemory(device_->handle(), &info, nullptr, &imported_), "import host memory");
        check(device_->fn().BindBufferMemory(device_->handle(), handle_, imported_, 0),
              "bind imported memory to a buffer");
    } catch (...) {
        destroy();
        throw;
    }
    mapped_ = static_cast<std::byte*>(host);
    host_readable_ = true;
}

std::unique_ptr<Buffer> Buffer::of_host(std::shared_ptr<Device> device, std::span<const std::byte> bytes) {
    return std::unique_ptr<Buffer>(new Buffer(HostTag{}, std::move(device), bytes));
}

// The type of mapped memory knows no bytes that are only read.
Buffer::Buffer(HostTag, std::shared_ptr<Device> device, std::span<const std::byte> bytes)
    : device_(std::move(device)), size_(bytes.size()), place_(BufferPlace::kHost),
      mapped_(const_cast<std::byte*>(bytes.data())), host_readable_(true) {
}

Buffer::~Buffer() {
    destroy();
}

void Buffer::create_handle(const void* next) {
    VkBufferCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.pNext = next;
    info.size = capacity();
    info.usage =
        VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    // Only the kernels for CPU drivers read buffers as texels.
    if (device_->caps().is_cpu && device_->caps().shaders) info.usage |= VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT;
    // Copies on a queue of their own: with owners, each would need a barrier on both queues.
    const DevicePlan& plan = device_->plan();
    const std::array<std::uint32_t, 2> families{plan.queue_family, plan.copy_queue_family};
    info.sharingMode = plan.copy_queue_count > 0 ? VK_SHARING_MODE_CONCURRENT : VK_SHARING_MODE_EXCLUSIVE;
    info.queueFamilyIndexCount = plan.copy_queue_count > 0 ? static_cast<std::uint32_t>(families.size()) : 0;
    info.pQueueFamilyIndices = families.data();
    check(device_->fn().CreateBuffer(device_->handle(), &info, nullptr, &handle_), "create a buffer");
}

void Buffer::destroy() noexcept {
    if (handle_ != VK_NULL_HANDLE) device_->fn().DestroyBuffer(device_->handle(), handle_, nullptr);
    if (imported_ != VK_NULL_HANDLE) device_->fn().FreeMemory(device_->handle(), imported_, nullptr);
    pool_of(*device_, place_).free(piece_);
}

} // namespace tensorvk::vulkan
