#pragma once

// Vulkan without linking to a loader: prototypes are off, and every entry point that TensorVK calls stands in one of
// the three lists below. The tables made from them are filled by loader.cpp, instance.cpp and device.cpp.

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan_core.h>

#include "vulkan/newer_structs.hpp"

#define TVK_GLOBAL_FUNCTIONS(X)             \
    X(EnumerateInstanceVersion)             \
    X(EnumerateInstanceLayerProperties)     \
    X(EnumerateInstanceExtensionProperties) \
    X(CreateInstance)

#define TVK_INSTANCE_FUNCTIONS(X)             \
    X(DestroyInstance)                        \
    X(EnumeratePhysicalDevices)               \
    X(GetPhysicalDeviceProperties)            \
    X(GetPhysicalDeviceProperties2)           \
    X(GetPhysicalDeviceFeatures2)             \
    X(GetPhysicalDeviceMemoryProperties2)     \
    X(GetPhysicalDeviceQueueFamilyProperties) \
    X(EnumerateDeviceExtensionProperties)     \
    X(CreateDevice)                           \
    X(GetDeviceProcAddr)

// Absent unless the extension is there: a null pointer then.
#define TVK_OPTIONAL_INSTANCE_FUNCTIONS(X) \
    X(CreateDebugUtilsMessengerEXT)        \
    X(DestroyDebugUtilsMessengerEXT)       \
    X(GetPhysicalDeviceCooperativeMatrixPropertiesKHR) \
    X(GetPhysicalDeviceDisplayPropertiesKHR)

// What copying, filling, waiting and timing take.
#define TVK_TRANSFER_FUNCTIONS(X)  \
    X(DestroyDevice)               \
    X(DeviceWaitIdle)              \
    X(GetDeviceQueue)              \
    X(QueueSubmit)                 \
    X(AllocateMemory)              \
    X(FreeMemory)                  \
    X(MapMemory)                   \
    X(CreateBuffer)                \
    X(DestroyBuffer)               \
    X(GetBufferMemoryRequirements) \
    X(BindBufferMemory)            \
    X(CreateCommandPool)           \
    X(DestroyCommandPool)          \
    X(ResetCommandPool)            \
    X(AllocateCommandBuffers)      \
    X(BeginCommandBuffer)          \
    X(EndCommandBuffer)            \
    X(CmdPipelineBarrier)          \
    X(CmdCopyBuffer)               \
    X(CmdFillBuffer)               \
    X(CmdResetQueryPool)           \
    X(CmdWriteTimestamp)           \
    X(CreateQueryPool)             \
    X(DestroyQueryPool)            \
    X(GetQueryPoolResults)         \
    X(CreateSemaphore)             \
    X(DestroySemaphore)            \
    X(GetSemaphoreCounterValue)    \
    X(WaitSemaphores)              \
    X(SignalSemaphore)

// What making shaders takes besides.
#define TVK_SHADER_OBJECT_FUNCTIONS(X) \
    X(DestroyBufferView)               \
    X(CreateShaderModule)              \
    X(DestroyShaderModule)             \
    X(CreateDescriptorSetLayout)       \
    X(DestroyDescriptorSetLayout)      \
    X(CreatePipelineLayout)            \
    X(DestroyPipelineLayout)           \
    X(CreatePipelineCache)             \
    X(DestroyPipelineCache)            \
    X(GetPipelineCacheData)            \
    X(CreateComputePipelines)          \
    X(DestroyPipeline)                 \
    X(CreateDescriptorPool)            \
    X(DestroyDescriptorPool)           \
    X(ResetDescriptorPool)             \
    X(AllocateDescriptorSets)

// And giving them buffers and running them.
#define TVK_SHADER_COMMANDS(X) \
    X(CreateBufferView)        \
    X(UpdateDescriptorSets)    \
    X(CmdBindPipeline)         \
    X(CmdBindDescriptorSets)   \
    X(CmdPushConstants)        \
    X(CmdDispatch)

#define TVK_SHADER_FUNCTIONS(X)    \
    TVK_SHADER_OBJECT_FUNCTIONS(X) \
    TVK_SHADER_COMMANDS(X)

#define TVK_DEVICE_FUNCTIONS(X) \
    TVK_TRANSFER_FUNCTIONS(X)   \
    TVK_SHADER_FUNCTIONS(X)

#define TVK_OPTIONAL_DEVICE_FUNCTIONS(X) X(GetMemoryHostPointerPropertiesEXT)

namespace tensorvk::vulkan {

// Members carry Vulkan's names without the prefix: table.CmdDispatch(...) is vkCmdDispatch.
#define TVK_MEMBER(name) PFN_vk##name name = nullptr;

struct GlobalFunctions {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr = nullptr;
    TVK_GLOBAL_FUNCTIONS(TVK_MEMBER)
};

struct InstanceFunctions {
    TVK_INSTANCE_FUNCTIONS(TVK_MEMBER)
    TVK_OPTIONAL_INSTANCE_FUNCTIONS(TVK_MEMBER)
};

struct DeviceFunctions {
    TVK_DEVICE_FUNCTIONS(TVK_MEMBER)
    TVK_OPTIONAL_DEVICE_FUNCTIONS(TVK_MEMBER)
};

#undef TVK_MEMBER

} // namespace tensorvk::vulkan
