#include "vulkan/device.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/device_features.hpp"
#include "vulkan/fork.hpp"
#include "vulkan/host_driver/shader_driver.hpp"
#include "vulkan/late/late_device.hpp"
#include "vulkan/memory_pool.hpp"
#include "vulkan/pipeline_cache.hpp"
#include "vulkan/queue.hpp"

namespace tensorvk::vulkan {
namespace {

constexpr std::uint64_t kDeviceBlock = 64ULL << 20;
// Pinned memory is slow to get from the driver, and staging needs little.
constexpr std::uint64_t kHostBlock = 16ULL << 20;

thread_local int current_device = 0;

struct OpenDevices {
    std::mutex mutex;
    std::map<int, std::shared_ptr<Device>> devices;
};

// Kept until the process ends, because objects of the user may outlive every static.
OpenDevices& open_devices() {
    static auto* open = new OpenDevices;
    return *open;
}

} // namespace

struct Device::SetLayouts {
    std::mutex mutex;
    std::map<std::pair<std::uint32_t, std::uint32_t>, VkDescriptorSetLayout> by_bindings; // their number, those that are texels
};

int Device::count() {
    return static_cast<int>(physical_devices().size());
}

std::shared_ptr<Device> Device::by_index(int index) {
    require_unforked(); // before the lock, which the fork may have copied in a locked state
    OpenDevices& open = open_devices();
    const std::lock_guard lock(open.mutex);
    if (const auto found = open.devices.find(index); found != open.devices.end()) return found->second;
    const std::vector<PhysicalDevice>& all = physical_devices();
    if (index < 0 || static_cast<std::size_t>(index) >= all.size()) {
        throw InvalidArgument(
            text("There is no device ", index, ": this machine has ", all.size(), ", numbered from 0."));
    }
    auto device = create(all[static_cast<std::size_t>(index)], index, PlanEnvironment::from_process());
    // Registered with the driver loaded, so that it runs before the driver's own handlers: afterwards the driver cannot
    // be called.
    if (open.devices.empty()) std::atexit(&Device::save_pipeline_caches);
    open.devices.emplace(index, device);
    return device;
}

std::shared_ptr<Device> Device::current() {
    return by_index(current_device);
}

int Device::current_index() noexcept {
    return current_device;
}

void Device::save_pipeline_caches() {
    if (was_forked()) return;
    OpenDevices& open = open_devices();
    const std::lock_guard lock(open.mutex);
    for (const auto& [index, device] : open.devices) device->pipelines().save();
}

void Device::set_current(int index) {
    if (index < 0 || index >= count()) {
        throw InvalidArgument(text("There is no device ", index, ": this machine has ", count(), ", numbered from 0."));
    }
    current_device = index;
}

std::shared_ptr<Device> Device::create(const PhysicalDevice& physical, int index, const PlanEnvironment& environment) {
    DevicePlan plan = plan_device(physical.offer, environment);
    if (!plan.usable) {
        throw DeviceUnavailable(text("Device ", index, " (", physical.offer.name, ") cannot be used. ", plan.why_not));
    }
    if (physical.instance->late() && !can_open_late(physical.offer, plan)) {
        return create(looked_device(physical.offer), index, environment);
    }
    const std::shared_ptr<Device> device(new Device(physical, index, std::move(plan)));
    device->open();
    return device;
}

Device::Device(const PhysicalDevice& physical, int index, DevicePlan plan)
    : instance_(physical.instance),
      physical_(physical.handle),
      index_(index),
      offer_(physical.offer),
      plan_(std::move(plan)),
      set_layouts_(std::make_unique<SetLayouts>()) {
}

void Device::open() {
    const std::vector<float> priorities(std::max(plan_.queue_count, plan_.copy_queue_count), 1.0F);
    std::vector<VkDeviceQueueCreateInfo> queues;
    const auto ask = [&](std::uint32_t family, std::uint32_t count) {
        VkDeviceQueueCreateInfo& queue = queues.emplace_back();
        queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
        queue.queueFamilyIndex = family;
        queue.queueCount = count;
        queue.pQueuePriorities = priorities.data();
    };
    ask(plan_.queue_family, plan_.queue_count);
    if (plan_.copy_queue_count > 0) ask(plan_.copy_queue_family, plan_.copy_queue_count);
    std::vector<const char*> extensions;
    for (const std::string& extension : plan_.extensions) extensions.push_back(extension.c_str());
    const DeviceFeatures features(offer_, plan_.caps);
    VkDeviceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.pNext = features.chain();
    info.queueCreateInfoCount = static_cast<std::uint32_t>(queues.size());
    info.pQueueCreateInfos = queues.data();
    info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
    check(instance_->fn().CreateDevice(physical_, &info, nullptr, &handle_), "open the device");
    if (late()) lend_shaders();
    load_functions();
    for (std::uint32_t i = 0; i < plan_.queue_count; ++i) {
        queues_.push_back(std::make_unique<Queue>(*this, plan_.queue_family, i));
    }
    for (std::uint32_t i = 0; i < plan_.copy_queue_count; ++i) {
        copy_queues_.push_back(std::make_unique<Queue>(*this, plan_.copy_queue_family, i));
    }
    device_memory_ = std::make_unique<MemoryPool>(*this, plan_.device_memory_type, kDeviceBlock);
    host_memory_ = std::make_unique<MemoryPool>(*this, plan_.host_memory_type, kHostBlock);
    pipelines_ = std::make_unique<PipelineCache>(*this);
}

void Device::load_functions() {
    const auto load = [&](const char* name) { return instance_->fn().GetDeviceProcAddr(handle_, name); };
#define TVK_LOAD(function)                                                   \
    fn_.function = reinterpret_cast<PFN_vk##function>(load("vk" #function)); \
    if (fn_.function == nullptr) throw DeviceUnavailable("The driver has no vk" #function ".");
    TVK_TRANSFER_FUNCTIONS(TVK_LOAD)
    if (caps().shaders) {
        TVK_SHADER_FUNCTIONS(TVK_LOAD)
    }
#undef TVK_LOAD
#define TVK_LOAD(function) fn_.function = reinterpret_cast<PFN_vk##function>(load("vk" #function));
    TVK_OPTIONAL_DEVICE_FUNCTIONS(TVK_LOAD)
#undef TVK_LOAD
}

void Device::lend_shaders() {
    host_driver::lend_shaders(handle_, [offer = offer_, plan = plan_, index = index_] {
        std::shared_ptr<Device> device(new Device(looked_device(offer), index, plan));
        device->open();
        return device;
    });
}

void Device::open_shaders() {
    if (!late()) return;
    host_driver::open_shaders(handle_);
    // As in by_index(): before the handlers of the driver that is loaded now.
    static const int registered = std::atexit(&Device::save_pipeline_caches);
    (void)registered;
}

Device::~Device() {
    if (handle_ == VK_NULL_HANDLE || fn_.DestroyDevice == nullptr) return;
    fn_.DeviceWaitIdle(handle_);
    if (pipelines_) pipelines_->save();
    pipelines_.reset();
    for (const auto& [bindings, layout] : set_layouts_->by_bindings) {
        fn_.DestroyDescriptorSetLayout(handle_, layout, nullptr);
    }
    device_memory_.reset();
    host_memory_.reset();
    fn_.DestroyDevice(handle_, nullptr);
}

MemoryInfo Device::memory_info() const {
    const std::uint32_t heap = offer_.memory_types.at(plan_.device_memory_type).heap;
    const std::uint64_t total = offer_.memory_heaps.at(heap).size;
    std::uint64_t used = device_memory_->used_bytes();
    std::uint64_t available = total;
    if (caps().memory_budget) {
        VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};
        budget.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
        VkPhysicalDeviceMemoryProperties2 properties{};
        properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
        properties.pNext = &budget;
        instance_->fn().GetPhysicalDeviceMemoryProperties2(physical_, &properties);
        // What lies unused in our own blocks is free to the user, though the driver counts it as used.
        const std::uint64_t spare = device_memory_->reserved_bytes() - std::min(used, device_memory_->reserved_bytes());
        available = budget.heapBudget[heap];
        used = budget.heapUsage[heap] - std::min(spare, budget.heapUsage[heap]);
    }
    return {available > used ? available - used : 0, total};
}

VkDescriptorSetLayout Device::set_layout(std::uint32_t bindings, std::uint32_t texel_bindings) {
    const std::lock_guard lock(set_layouts_->mutex);
    const std::pair key(bindings, texel_bindings);
    if (const auto found = set_layouts_->by_bindings.find(key); found != set_layouts_->by_bindings.end()) {
        return found->second;
    }
    std::vector<VkDescriptorSetLayoutBinding> slots(bindings);
    for (std::uint32_t i = 0; i < bindings; ++i) {
        slots[i].binding = i;
        slots[i].descriptorType = descriptor_type(texel_bindings, i);
        slots[i].descriptorCount = 1;
        slots[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    }
    VkDescriptorSetLayoutCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    info.bindingCount = bindings;
    info.pBindings = slots.data();
    VkDescriptorSetLayout layout = VK_NULL_HANDLE;
    check(fn_.CreateDescriptorSetLayout(handle_, &info, nullptr, &layout), "create a descriptor set layout");
    set_layouts_->by_bindings.emplace(key, layout);
    return layout;
}

} // namespace tensorvk::vulkan
