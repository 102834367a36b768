#include "vulkan/physical_device.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "vulkan/check.hpp"
#include "vulkan/fork.hpp"
#include "vulkan/late/last_look.hpp"

namespace tensorvk::vulkan {
namespace {

template <typename T>
T structure(VkStructureType type, void* next) {
    T value{};
    value.sType = type;
    value.pNext = next;
    return value;
}

struct TypeRow {
    VkPhysicalDeviceType vulkan;
    DeviceType ours;
};
constexpr std::array kDeviceTypes{
    TypeRow{VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, DeviceType::kIntegrated},
    TypeRow{VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, DeviceType::kDiscrete},
    TypeRow{VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU, DeviceType::kVirtual},
    TypeRow{VK_PHYSICAL_DEVICE_TYPE_CPU, DeviceType::kCpu},
};

struct ComponentRow {
    VkComponentTypeKHR vulkan;
    MatrixType ours;
};
constexpr std::array kComponents{
    ComponentRow{VK_COMPONENT_TYPE_FLOAT16_KHR, MatrixType::kFloat16},
    ComponentRow{VK_COMPONENT_TYPE_FLOAT32_KHR, MatrixType::kFloat32},
    ComponentRow{VK_COMPONENT_TYPE_SINT8_KHR, MatrixType::kInt8},
    ComponentRow{VK_COMPONENT_TYPE_UINT8_KHR, MatrixType::kUint8},
    ComponentRow{VK_COMPONENT_TYPE_SINT32_KHR, MatrixType::kInt32},
};

template <typename Table, typename Key, typename Value>
Value look_up(const Table& table, Key key, Value otherwise) {
    for (const auto& row : table) {
        if (row.vulkan == key) return row.ours;
    }
    return otherwise;
}

DeviceLimits convert_limits(const VkPhysicalDeviceLimits& limits) {
    DeviceLimits out;
    out.max_storage_range = limits.maxStorageBufferRange;
    out.max_push_constant_bytes = limits.maxPushConstantsSize;
    out.max_shared_memory = limits.maxComputeSharedMemorySize;
    out.max_workgroup_invocations = limits.maxComputeWorkGroupInvocations;
    std::copy_n(limits.maxComputeWorkGroupSize, 3, out.max_workgroup_size.begin());
    std::copy_n(limits.maxComputeWorkGroupCount, 3, out.max_group_count.begin());
    out.max_storage_bindings =
        std::min(limits.maxPerStageDescriptorStorageBuffers, limits.maxDescriptorSetStorageBuffers);
    out.storage_offset_alignment = limits.minStorageBufferOffsetAlignment;
    out.max_texels = limits.maxTexelBufferElements;
    out.timestamp_period_ns = limits.timestampPeriod;
    return out;
}

void query_extensions(const InstanceFunctions& fn, VkPhysicalDevice device, DeviceOffer& offer) {
    std::uint32_t count = 0;
    check(fn.EnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr), "list the device's extensions");
    std::vector<VkExtensionProperties> found(count);
    check(fn.EnumerateDeviceExtensionProperties(device, nullptr, &count, found.data()), "list the device's extensions");
    for (const VkExtensionProperties& extension : found) offer.extensions.emplace_back(extension.extensionName);
}

void query_queues(const InstanceFunctions& fn, VkPhysicalDevice device, DeviceOffer& offer) {
    std::uint32_t count = 0;
    fn.GetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    fn.GetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
    for (const VkQueueFamilyProperties& family : families) {
        offer.queue_families.push_back(
            {(family.queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0, (family.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0,
             (family.queueFlags & VK_QUEUE_TRANSFER_BIT) != 0, family.queueCount, family.timestampValidBits});
    }
}

void query_memory(const InstanceFunctions& fn, VkPhysicalDevice device, DeviceOffer& offer) {
    auto memory =
        structure<VkPhysicalDeviceMemoryProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, nullptr);
    fn.GetPhysicalDeviceMemoryProperties2(device, &memory);
    const VkPhysicalDeviceMemoryProperties& found = memory.memoryProperties;
    for (std::uint32_t i = 0; i < found.memoryTypeCount; ++i) {
        const VkMemoryPropertyFlags flags = found.memoryTypes[i].propertyFlags;
        // Lazily allocated, protected and device-coherent memory is for other purposes.
        constexpr VkMemoryPropertyFlags kPlain =
            VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
            VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
        const bool plain = (flags & ~kPlain) == 0;
        offer.memory_types.push_back({found.memoryTypes[i].heapIndex,
                                      plain && (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0,
                                      plain && (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0,
                                      plain && (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0,
                                      plain && (flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0});
    }
    for (std::uint32_t i = 0; i < found.memoryHeapCount; ++i) {
        offer.memory_heaps.push_back(
            {found.memoryHeaps[i].size, (found.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0});
    }
}

void query_features(const InstanceFunctions& fn, VkPhysicalDevice device, DeviceOffer& offer) {
    auto v11 =
        structure<VkPhysicalDeviceVulkan11Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, nullptr);
    auto v12 = structure<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &v11);
    auto features = structure<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &v12);
    auto v13 =
        structure<VkPhysicalDeviceVulkan13Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, nullptr);
    auto matrix = structure<VkPhysicalDeviceCooperativeMatrixFeaturesKHR>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR, nullptr);
    if (offer.api_version >= VK_API_VERSION_1_3) {
        v13.pNext = features.pNext;
        features.pNext = &v13;
    }
    if (offer.has_extension(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) {
        matrix.pNext = features.pNext;
        features.pNext = &matrix;
    }
    fn.GetPhysicalDeviceFeatures2(device, &features);
    offer.shader_int16 = features.features.shaderInt16 != 0;
    offer.shader_int64 = features.features.shaderInt64 != 0;
    offer.storage_16bit = v11.storageBuffer16BitAccess != 0;
    offer.storage_8bit = v12.storageBuffer8BitAccess != 0;
    offer.shader_float16 = v12.shaderFloat16 != 0;
    offer.shader_int8 = v12.shaderInt8 != 0;
    offer.timeline_semaphore = v12.timelineSemaphore != 0;
    offer.vulkan_memory_model = v12.vulkanMemoryModel != 0 && v12.vulkanMemoryModelDeviceScope != 0;
    offer.subgroup_size_control = v13.subgroupSizeControl != 0;
    offer.compute_full_subgroups = v13.computeFullSubgroups != 0;
    offer.integer_dot_product = v13.shaderIntegerDotProduct != 0;
    offer.cooperative_matrix = matrix.cooperativeMatrix != 0;
}

void query_properties(const InstanceFunctions& fn, VkPhysicalDevice device, DeviceOffer& offer) {
    auto v11 =
        structure<VkPhysicalDeviceVulkan11Properties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES, nullptr);
    auto v12 =
        structure<VkPhysicalDeviceVulkan12Properties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES, &v11);
    auto properties = structure<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &v12);
    auto v13 =
        structure<VkPhysicalDeviceVulkan13Properties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES, nullptr);
    auto import = structure<VkPhysicalDeviceExternalMemoryHostPropertiesEXT>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT, nullptr);
    if (offer.api_version >= VK_API_VERSION_1_3) {
        v13.pNext = properties.pNext;
        properties.pNext = &v13;
    }
    if (offer.has_extension(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME)) {
        import.pNext = properties.pNext;
        properties.pNext = &import;
    }
    fn.GetPhysicalDeviceProperties2(device, &properties);
    offer.driver_name = v12.driverName;
    offer.driver_info = v12.driverInfo;
    std::copy_n(v11.deviceUUID, offer.uuid.size(), offer.uuid.begin());
    std::copy_n(v11.driverUUID, offer.driver_uuid.size(), offer.driver_uuid.begin());
    offer.limits.max_allocation = v11.maxMemoryAllocationSize;
    offer.limits.host_import_alignment = import.minImportedHostPointerAlignment;
    offer.subgroup_size = v11.subgroupSize;
    offer.min_subgroup_size = v13.minSubgroupSize;
    offer.max_subgroup_size = v13.maxSubgroupSize;
    offer.subgroup_size_control = offer.subgroup_size_control && (v13.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
    const bool compute = (v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
    offer.subgroup_arithmetic = compute && (v11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT) != 0;
    offer.subgroup_shuffle = compute && (v11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT) != 0;
}

void query_matrix_shapes(const InstanceFunctions& fn, VkPhysicalDevice device, DeviceOffer& offer) {
    if (!offer.cooperative_matrix || fn.GetPhysicalDeviceCooperativeMatrixPropertiesKHR == nullptr) return;
    std::uint32_t count = 0;
    check(fn.GetPhysicalDeviceCooperativeMatrixPropertiesKHR(device, &count, nullptr), "count the matrix shapes");
    std::vector<VkCooperativeMatrixPropertiesKHR> found(
        count,
        structure<VkCooperativeMatrixPropertiesKHR>(VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR, nullptr));
    check(fn.GetPhysicalDeviceCooperativeMatrixPropertiesKHR(device, &count, found.data()), "list the matrix shapes");
    const auto component = [](VkComponentTypeKHR type) { return look_up(kComponents, type, MatrixType::kOther); };
    for (const VkCooperativeMatrixPropertiesKHR& shape : found) {
        offer.matrix_shapes.push_back({shape.MSize, shape.NSize, shape.KSize, component(shape.AType),
                                       component(shape.BType), component(shape.CType), component(shape.ResultType),
                                       shape.saturatingAccumulation != 0, shape.scope == VK_SCOPE_SUBGROUP_KHR});
    }
}

// Connected ones. A driver that does not say, or not to this user, drives none as far as anybody can tell.
void query_displays(const InstanceFunctions& fn, VkPhysicalDevice device, DeviceOffer& offer) {
    std::uint32_t count = 0;
    if (fn.GetPhysicalDeviceDisplayPropertiesKHR == nullptr || fn.GetPhysicalDeviceDisplayPropertiesKHR(device, &count, nullptr) != VK_SUCCESS) return;
    offer.displays = count;
}

// Of a late instance the handles are those of our own driver's device.
std::vector<PhysicalDevice> remembered_devices(const Instance& instance) {
    const VkPhysicalDevice host = instance.physical_devices().at(0);
    std::vector<PhysicalDevice> devices;
    for (const DeviceOffer& offer : instance.remembered()) devices.push_back({&instance, host, offer});
    return devices;
}

} // namespace

DeviceOffer query_offer(const Instance& instance, VkPhysicalDevice device) {
    const InstanceFunctions& fn = instance.fn();
    VkPhysicalDeviceProperties properties{};
    fn.GetPhysicalDeviceProperties(device, &properties);
    DeviceOffer offer;
    offer.name = properties.deviceName;
    offer.type = look_up(kDeviceTypes, properties.deviceType, DeviceType::kOther);
    offer.vendor_id = properties.vendorID;
    offer.device_id = properties.deviceID;
    offer.driver_version = properties.driverVersion;
    offer.api_version = properties.apiVersion;
    offer.limits = convert_limits(properties.limits);
    query_extensions(fn, device, offer);
    query_queues(fn, device, offer);
    query_memory(fn, device, offer);
    query_displays(fn, device, offer);
    if (offer.api_version >= VK_API_VERSION_1_2) {
        query_features(fn, device, offer);
        query_properties(fn, device, offer);
        query_matrix_shapes(fn, device, offer);
    }
    return offer;
}

std::vector<PhysicalDevice> look_at_devices() {
    const Instance& instance = Instance::looked();
    std::vector<PhysicalDevice> devices;
    std::vector<DeviceOffer> offers;
    for (VkPhysicalDevice handle : instance.physical_devices()) {
        offers.push_back(query_offer(instance, handle));
        devices.push_back({&instance, handle, offers.back()});
    }
    const bool any_cpu = std::ranges::any_of(offers, [](const DeviceOffer& o) { return o.type == DeviceType::kCpu; });
    if (any_cpu && instance.absence().empty() && !instance.validating()) remember_look(offers, instance.libraries());
    return devices;
}

std::vector<PhysicalDevice> numbered(std::vector<PhysicalDevice> devices) {
    std::vector<DeviceOffer> offers;
    for (const PhysicalDevice& device : devices) offers.push_back(device.offer);
    refuse_unknown_features(PlanEnvironment::from_process());
    const std::size_t first = choose_device(offers, device_wish());
    std::vector<std::size_t> order = order_devices(offers);
    std::stable_partition(order.begin(), order.end(), [&](std::size_t i) { return i == first; });
    std::vector<PhysicalDevice> in_order;
    for (const std::size_t i : order) in_order.push_back(std::move(devices[i]));
    return in_order;
}

const std::vector<PhysicalDevice>& physical_devices() {
    require_unforked();
    static std::mutex mutex;
    static const std::vector<PhysicalDevice>* devices = nullptr;
    const std::lock_guard lock(mutex);
    if (devices == nullptr) {
        const Instance& instance = Instance::get();
        devices = new std::vector<PhysicalDevice>(
            numbered(instance.late() ? remembered_devices(instance) : look_at_devices()));
    }
    return *devices;
}

} // namespace tensorvk::vulkan
