#include "vulkan/device_features.hpp"

namespace tensorvk::vulkan {

template <typename T>
void DeviceFeatures::add(T& structure, VkStructureType type) {
    structure.sType = type;
    structure.pNext = features_.pNext;
    features_.pNext = &structure;
}

DeviceFeatures::DeviceFeatures(const DeviceOffer& offer, const DeviceCaps& caps) {
    features_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features_.features.shaderInt16 = caps.int16_arithmetic;
    features_.features.shaderInt64 = caps.int64_arithmetic;
    add(v11_, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
    v11_.storageBuffer16BitAccess = caps.fp16_storage;
    add(v12_, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    v12_.storageBuffer8BitAccess = caps.int8_storage;
    v12_.shaderFloat16 = caps.fp16_arithmetic;
    v12_.shaderInt8 = caps.int8_arithmetic;
    v12_.timelineSemaphore = VK_TRUE;
    v12_.vulkanMemoryModel = caps.vulkan_memory_model;
    v12_.vulkanMemoryModelDeviceScope = caps.vulkan_memory_model; // atomics are of the device's scope, and with the one the other has to be asked for
    if (offer.api_version >= VK_API_VERSION_1_3) {
        add(v13_, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES);
        v13_.subgroupSizeControl = caps.subgroup_size_control;
        v13_.computeFullSubgroups = caps.subgroup_size_control;
        v13_.shaderIntegerDotProduct = caps.integer_dot_product;
    }
    if (caps.cooperative_matrix) {
        add(matrix_, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR);
        matrix_.cooperativeMatrix = VK_TRUE;
    }
}

} // namespace tensorvk::vulkan
