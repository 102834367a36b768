#include "vulkan/host_driver/memory.hpp"

#include <atomic>

#include <sys/mman.h>

#include "vulkan/host_driver/entry_points.hpp"
#include "vulkan/host_driver/machine_memory.hpp"
#include "vulkan/host_driver/objects.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

constexpr std::uint64_t kBufferAlignment = 16;
constexpr std::uint32_t kOnlyMemoryType = 1; // a mask

std::atomic<std::uint64_t> allocated{0};

// A system that promises more than it has kills who believes it.
bool reserve(std::uint64_t size) {
    static const std::uint64_t most = machine_memory().total;
    std::uint64_t before = allocated.load();
    do {
        if (size > most || before > most - size) return false;
    } while (!allocated.compare_exchange_weak(before, before + size));
    return true;
}

const VkImportMemoryHostPointerInfoEXT* import_info(const void* chain) {
    for (const auto* at = static_cast<const VkBaseInStructure*>(chain); at != nullptr; at = at->pNext) {
        if (at->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT) {
            return reinterpret_cast<const VkImportMemoryHostPointerInfoEXT*>(at);
        }
    }
    return nullptr;
}

// Pages of the system, so that what is freed goes back to it and what is not touched costs nothing.
bool map_pages(Memory& memory, std::uint64_t size) {
    if (!reserve(size)) return false;
    void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        allocated -= size;
        return false;
    }
    memory.data = static_cast<std::byte*>(pages);
    memory.size = size;
    return true;
}

} // namespace

std::uint64_t allocated_bytes() noexcept {
    return allocated.load();
}

Memory::~Memory() {
    for_shaders.reset();
    if (data == nullptr || imported) return;
    (void)munmap(data, size);
    allocated -= size;
}

VkResult VKAPI_CALL AllocateMemory(VkDevice, const VkMemoryAllocateInfo* info, const VkAllocationCallbacks*,
                                   VkDeviceMemory* out) {
    return guarded([&] {
        auto memory = std::make_unique<Memory>();
        if (const auto* import = import_info(info->pNext); import != nullptr) {
            memory->data = static_cast<std::byte*>(import->pHostPointer);
            memory->size = info->allocationSize;
            memory->imported = true;
        } else if (!map_pages(*memory, info->allocationSize)) {
            return VK_ERROR_OUT_OF_DEVICE_MEMORY;
        }
        *out = to_handle<VkDeviceMemory>(memory.release());
        return VK_SUCCESS;
    });
}

void VKAPI_CALL FreeMemory(VkDevice, VkDeviceMemory memory, const VkAllocationCallbacks*) {
    delete object<Memory>(memory);
}

VkResult VKAPI_CALL MapMemory(VkDevice, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize, VkMemoryMapFlags,
                              void** out) {
    *out = object<Memory>(memory)->data + offset;
    return VK_SUCCESS;
}

VkResult VKAPI_CALL CreateBuffer(VkDevice, const VkBufferCreateInfo* info, const VkAllocationCallbacks*,
                                 VkBuffer* out) {
    return create<Buffer>(out, Buffer{info->size});
}

void VKAPI_CALL DestroyBuffer(VkDevice, VkBuffer buffer, const VkAllocationCallbacks*) {
    delete object<Buffer>(buffer);
}

void VKAPI_CALL GetBufferMemoryRequirements(VkDevice, VkBuffer buffer, VkMemoryRequirements* out) {
    *out = {object<Buffer>(buffer)->size, kBufferAlignment, kOnlyMemoryType};
}

VkResult VKAPI_CALL BindBufferMemory(VkDevice, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset) {
    object<Buffer>(buffer)->memory = object<Memory>(memory);
    object<Buffer>(buffer)->offset = offset;
    return VK_SUCCESS;
}

VkResult VKAPI_CALL GetMemoryHostPointerPropertiesEXT(VkDevice, VkExternalMemoryHandleTypeFlagBits, const void*,
                                                      VkMemoryHostPointerPropertiesEXT* out) {
    out->memoryTypeBits = kOnlyMemoryType;
    return VK_SUCCESS;
}

} // namespace tensorvk::vulkan::host_driver
