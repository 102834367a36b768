// The instance, its one device and what that offers.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "vulkan/host_driver/entry_points.hpp"
#include "vulkan/host_driver/machine_memory.hpp"
#include "vulkan/host_driver/memory.hpp"
#include "vulkan/host_driver/queue.hpp"
#include "vulkan/host_driver/shader_driver.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

constexpr std::uint32_t kDriverVersion = 1; // raise it when plans made before must be made again
constexpr std::uint32_t kTimestampBits = 64;
constexpr std::uint32_t kUnlimited = 0xFFFFFFFF;
constexpr std::uint64_t kPage = 4096;

// Handles that nothing is behind but their being different from null.
struct InstanceObject {
    char none = 0;
};
struct PhysicalDeviceObject {
    char none = 0;
};
PhysicalDeviceObject the_device;

template <std::size_t N>
void put(char (&target)[N], std::string_view value) {
    std::fill(std::begin(target), std::end(target), '\0');
    value.copy(target, N - 1);
}

// Vulkan's way of lists: without a place for them, how many there are.
template <typename T, std::size_t N>
VkResult list(const T (&items)[N], std::uint32_t* count, T* out) {
    if (out == nullptr) {
        *count = N;
        return VK_SUCCESS;
    }
    const std::uint32_t given = std::min<std::uint32_t>(*count, N);
    std::copy_n(items, given, out);
    *count = given;
    return given < N ? VK_INCOMPLETE : VK_SUCCESS;
}

template <typename T>
VkResult no_items(std::uint32_t* count, T*) {
    *count = 0;
    return VK_SUCCESS;
}

template <typename T>
T* find(void* chain, VkStructureType type) {
    for (auto* at = static_cast<VkBaseOutStructure*>(chain); at != nullptr; at = at->pNext) {
        if (at->sType == type) return reinterpret_cast<T*>(at);
    }
    return nullptr;
}

// Of what only shaders use nothing is limited.
VkPhysicalDeviceLimits limits() {
    VkPhysicalDeviceLimits out{};
    out.maxStorageBufferRange = kUnlimited;
    out.maxPushConstantsSize = 256;
    out.maxPerStageDescriptorStorageBuffers = kUnlimited;
    out.maxDescriptorSetStorageBuffers = kUnlimited;
    std::fill_n(out.maxComputeWorkGroupCount, 3, kUnlimited);
    out.minStorageBufferOffsetAlignment = 16; // of vectors
    out.timestampPeriod = 1.0F;
    out.timestampComputeAndGraphics = VK_TRUE;
    return out;
}

} // namespace

VkResult VKAPI_CALL EnumerateInstanceVersion(std::uint32_t* out) {
    *out = VK_API_VERSION_1_2;
    return VK_SUCCESS;
}

VkResult VKAPI_CALL EnumerateInstanceLayerProperties(std::uint32_t* count, VkLayerProperties* out) {
    return no_items(count, out);
}

VkResult VKAPI_CALL EnumerateInstanceExtensionProperties(const char*, std::uint32_t* count,
                                                         VkExtensionProperties* out) {
    return no_items(count, out);
}

VkResult VKAPI_CALL CreateInstance(const VkInstanceCreateInfo*, const VkAllocationCallbacks*, VkInstance* out) {
    return create<InstanceObject>(out);
}

void VKAPI_CALL DestroyInstance(VkInstance instance, const VkAllocationCallbacks*) {
    delete object<InstanceObject>(instance);
}

VkResult VKAPI_CALL EnumeratePhysicalDevices(VkInstance, std::uint32_t* count, VkPhysicalDevice* out) {
    const VkPhysicalDevice devices[] = {to_handle<VkPhysicalDevice>(&the_device)};
    return list(devices, count, out);
}

void VKAPI_CALL GetPhysicalDeviceProperties(VkPhysicalDevice, VkPhysicalDeviceProperties* out) {
    *out = {};
    out->apiVersion = VK_API_VERSION_1_2;
    out->driverVersion = kDriverVersion;
    out->deviceType = VK_PHYSICAL_DEVICE_TYPE_CPU;
    put(out->deviceName, kDeviceName);
    out->limits = limits();
}

void VKAPI_CALL GetPhysicalDeviceProperties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2* out) {
    GetPhysicalDeviceProperties(device, &out->properties);
    if (auto* v11 = find<VkPhysicalDeviceVulkan11Properties>(out->pNext,
                                                             VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES)) {
        std::memcpy(v11->deviceUUID, "TensorVK on host", VK_UUID_SIZE);
        std::memcpy(v11->driverUUID, "TensorVK's driver", VK_UUID_SIZE);
        v11->maxMemoryAllocationSize = machine_memory().total;
    }
    if (auto* v12 = find<VkPhysicalDeviceVulkan12Properties>(out->pNext,
                                                             VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES)) {
        put(v12->driverName, "TensorVK's own");
        put(v12->driverInfo, "(memory and copies, no shaders)");
    }
    if (auto* import = find<VkPhysicalDeviceExternalMemoryHostPropertiesEXT>(
            out->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT)) {
        import->minImportedHostPointerAlignment = kPage;
    }
}

// Types that the host's functions store and compute with; nothing that only shaders know.
void VKAPI_CALL GetPhysicalDeviceFeatures2(VkPhysicalDevice, VkPhysicalDeviceFeatures2* out) {
    out->features.shaderInt16 = VK_TRUE;
    out->features.shaderInt64 = VK_TRUE;
    if (auto* v11 =
            find<VkPhysicalDeviceVulkan11Features>(out->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES)) {
        v11->storageBuffer16BitAccess = VK_TRUE;
    }
    if (auto* v12 =
            find<VkPhysicalDeviceVulkan12Features>(out->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES)) {
        v12->storageBuffer8BitAccess = VK_TRUE;
        v12->shaderFloat16 = VK_TRUE;
        v12->shaderInt8 = VK_TRUE;
        v12->timelineSemaphore = VK_TRUE;
    }
}

void VKAPI_CALL GetPhysicalDeviceMemoryProperties2(VkPhysicalDevice, VkPhysicalDeviceMemoryProperties2* out) {
    const MachineMemory machine = machine_memory();
    VkPhysicalDeviceMemoryProperties& properties = out->memoryProperties;
    properties.memoryTypeCount = 1;
    properties.memoryTypes[0] = {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                     VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                                 0};
    properties.memoryHeapCount = 1;
    properties.memoryHeaps[0] = {machine.total, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
    if (auto* budget = find<VkPhysicalDeviceMemoryBudgetPropertiesEXT>(
            out->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT)) {
        // Of the first question: later ones would see memory as available that is ours and not touched yet.
        static const std::uint64_t available = machine.available;
        budget->heapUsage[0] = allocated_bytes();
        budget->heapBudget[0] = available;
    }
}

// A queue that copies and does not compute: that is how the rooms above see that there are no shaders.
void VKAPI_CALL GetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice, std::uint32_t* count,
                                                       VkQueueFamilyProperties* out) {
    const VkQueueFamilyProperties families[] = {{VK_QUEUE_TRANSFER_BIT, 1, kTimestampBits, {1, 1, 1}}};
    (void)list(families, count, out);
}

VkResult VKAPI_CALL EnumerateDeviceExtensionProperties(VkPhysicalDevice, const char*, std::uint32_t* count,
                                                       VkExtensionProperties* out) {
    const VkExtensionProperties extensions[] = {
        {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME, VK_EXT_EXTERNAL_MEMORY_HOST_SPEC_VERSION},
        {VK_EXT_MEMORY_BUDGET_EXTENSION_NAME, VK_EXT_MEMORY_BUDGET_SPEC_VERSION}};
    return list(extensions, count, out);
}

Device::Device() = default;
Device::~Device() = default;

VkResult VKAPI_CALL CreateDevice(VkPhysicalDevice, const VkDeviceCreateInfo*, const VkAllocationCallbacks*,
                                 VkDevice* out) {
    return guarded([&] {
        auto device = std::make_unique<Device>();
        device->queue = std::make_unique<QueueWorker>(device->timelines);
        *out = to_handle<VkDevice>(device.release());
        return VK_SUCCESS;
    });
}

void VKAPI_CALL DestroyDevice(VkDevice device, const VkAllocationCallbacks*) {
    delete object<Device>(device);
}

} // namespace tensorvk::vulkan::host_driver
