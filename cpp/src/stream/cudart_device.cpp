#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <thread>

#include "stream/cudart_guard.hpp"
#include "stream/errors.hpp"
#include "stream/stream.hpp"
#include "vulkan/device.hpp"

namespace tensorvk {
namespace {

using stream::guarded;
using vulkan::Device;

const vulkan::DeviceOffer& offer_of(int device) {
    const auto& all = vulkan::physical_devices();
    if (device < 0 || static_cast<std::size_t>(device) >= all.size()) {
        throw stream::InvalidDevice(
            text("There is no device ", device, ": this machine has ", all.size(), ", numbered from 0."));
    }
    return all[static_cast<std::size_t>(device)].offer;
}

// CUDA's ints are smaller than some of Vulkan's limits.
int clamp_int(std::uint64_t value) {
    return static_cast<int>(std::min(value, static_cast<std::uint64_t>(std::numeric_limits<int>::max())));
}

int version_major(const vulkan::DeviceOffer& offer) {
    return static_cast<int>(offer.api_version >> 22 & 0x7F);
}
int version_minor(const vulkan::DeviceOffer& offer) {
    return static_cast<int>(offer.api_version >> 12 & 0x3FF);
}

int processors(const vulkan::DeviceOffer& offer) {
    return offer.type == vulkan::DeviceType::kCpu ? std::max(1, clamp_int(std::thread::hardware_concurrency())) : 1;
}

bool shares_memory(const vulkan::DeviceOffer& offer) {
    return offer.type == vulkan::DeviceType::kCpu || offer.type == vulkan::DeviceType::kIntegrated;
}

std::uint64_t device_memory(const vulkan::DeviceOffer& offer) {
    std::uint64_t size = 0;
    for (const vulkan::MemoryHeap& heap : offer.memory_heaps) {
        if (heap.device_local) size = std::max(size, heap.size);
    }
    return size;
}

cudaDeviceProp properties_of(const vulkan::DeviceOffer& offer) {
    cudaDeviceProp prop{};
    offer.name.copy(prop.name, sizeof(prop.name) - 1);
    std::copy(offer.uuid.begin(), offer.uuid.end(), prop.uuid.bytes);
    prop.totalGlobalMem = device_memory(offer);
    prop.sharedMemPerBlock = offer.limits.max_shared_memory;
    prop.sharedMemPerMultiprocessor = offer.limits.max_shared_memory;
    prop.warpSize = clamp_int(offer.subgroup_size);
    prop.maxThreadsPerBlock = clamp_int(offer.limits.max_workgroup_invocations);
    for (std::size_t i = 0; i < 3; ++i) {
        prop.maxThreadsDim[i] = clamp_int(offer.limits.max_workgroup_size[i]);
        prop.maxGridSize[i] = clamp_int(offer.limits.max_group_count[i]);
    }
    prop.totalConstMem = offer.limits.max_push_constant_bytes;
    prop.major = version_major(offer);
    prop.minor = version_minor(offer);
    prop.multiProcessorCount = processors(offer);
    const vulkan::DevicePlan plan = vulkan::plan_device(offer, vulkan::PlanEnvironment::from_process());
    prop.kernelExecTimeoutEnabled = plan.caps.submission_limit.count() > 0 ? 1 : 0;
    prop.integrated = shares_memory(offer) ? 1 : 0;
    prop.canMapHostMemory = 1;
    prop.concurrentKernels = 1;
    prop.asyncEngineCount = std::max(1, clamp_int(plan.copy_queue_count));
    prop.unifiedAddressing = 1;
    return prop;
}

struct AttributeRow {
    cudaDeviceAttr attr;
    int (*get)(const cudaDeviceProp&);
};

constexpr std::array kAttributes{
    AttributeRow{cudaDevAttrMaxThreadsPerBlock, [](const cudaDeviceProp& p) { return p.maxThreadsPerBlock; }},
    AttributeRow{cudaDevAttrMaxBlockDimX, [](const cudaDeviceProp& p) { return p.maxThreadsDim[0]; }},
    AttributeRow{cudaDevAttrMaxBlockDimY, [](const cudaDeviceProp& p) { return p.maxThreadsDim[1]; }},
    AttributeRow{cudaDevAttrMaxBlockDimZ, [](const cudaDeviceProp& p) { return p.maxThreadsDim[2]; }},
    AttributeRow{cudaDevAttrMaxGridDimX, [](const cudaDeviceProp& p) { return p.maxGridSize[0]; }},
    AttributeRow{cudaDevAttrMaxGridDimY, [](const cudaDeviceProp& p) { return p.maxGridSize[1]; }},
    AttributeRow{cudaDevAttrMaxGridDimZ, [](const cudaDeviceProp& p) { return p.maxGridSize[2]; }},
    AttributeRow{cudaDevAttrMaxSharedMemoryPerBlock,
                 [](const cudaDeviceProp& p) { return clamp_int(p.sharedMemPerBlock); }},
    AttributeRow{cudaDevAttrWarpSize, [](const cudaDeviceProp& p) { return p.warpSize; }},
    AttributeRow{cudaDevAttrMultiProcessorCount, [](const cudaDeviceProp& p) { return p.multiProcessorCount; }},
    AttributeRow{cudaDevAttrKernelExecTimeout, [](const cudaDeviceProp& p) { return p.kernelExecTimeoutEnabled; }},
    AttributeRow{cudaDevAttrIntegrated, [](const cudaDeviceProp& p) { return p.integrated; }},
    AttributeRow{cudaDevAttrCanMapHostMemory, [](const cudaDeviceProp& p) { return p.canMapHostMemory; }},
    AttributeRow{cudaDevAttrConcurrentKernels, [](const cudaDeviceProp& p) { return p.concurrentKernels; }},
    AttributeRow{cudaDevAttrAsyncEngineCount, [](const cudaDeviceProp& p) { return p.asyncEngineCount; }},
    AttributeRow{cudaDevAttrUnifiedAddressing, [](const cudaDeviceProp& p) { return p.unifiedAddressing; }},
    AttributeRow{cudaDevAttrComputeCapabilityMajor, [](const cudaDeviceProp& p) { return p.major; }},
    AttributeRow{cudaDevAttrComputeCapabilityMinor, [](const cudaDeviceProp& p) { return p.minor; }},
};

template <typename T>
T& required(T* result) {
    if (result == nullptr) throw InvalidArgument("The place for the result is null.");
    return *result;
}

} // namespace

cudaError_t cudaGetDeviceCount(int* count) {
    return guarded([&] { required(count) = Device::count(); });
}

cudaError_t cudaGetDevice(int* device) {
    return guarded([&] { required(device) = Device::current_index(); });
}

cudaError_t cudaSetDevice(int device) {
    return guarded([&] {
        (void)offer_of(device);
        Device::set_current(device);
    });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
    return guarded([&] { required(prop) = properties_of(offer_of(device)); });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attr, int device) {
    return guarded([&] {
        const auto* row =
            std::find_if(kAttributes.begin(), kAttributes.end(), [&](const AttributeRow& r) { return r.attr == attr; });
        if (row == kAttributes.end()) {
            throw InvalidArgument(
                text("Device attribute ", static_cast<int>(attr), " means nothing to a Vulkan device."));
        }
        required(value) = row->get(properties_of(offer_of(device)));
    });
}

cudaError_t cudaDeviceSynchronize() {
    return guarded([] { stream::synchronize_device(Device::current()); });
}

cudaError_t cudaDriverGetVersion(int* version) {
    return guarded([&] {
        const vulkan::DeviceOffer& offer = offer_of(Device::current_index());
        required(version) = 1000 * version_major(offer) + 10 * version_minor(offer);
    });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
    constexpr int kCuda12 = 12000;
    return guarded([&] { required(version) = kCuda12; });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
    return guarded([&] {
        const vulkan::MemoryInfo info = Device::current()->memory_info();
        required(free) = info.free_bytes;
        required(total) = info.total_bytes;
    });
}

cudaError_t cudaProfilerStart() {
    return cudaSuccess;
}

cudaError_t cudaProfilerStop() {
    return cudaSuccess;
}

} // namespace tensorvk
