// Vulkan's functions for shaders, of a device of ours. What another driver makes is its own object under its own
// handle; only buffers and command buffers have to be put in their place.
#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "vulkan/host_driver/shader_commands.hpp"
#include "vulkan/host_driver/shader_driver.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

// The other driver's function of the same name, with its device in the place of ours.
template <auto Member>
struct Forward;
template <typename Result, typename... Arguments, Result(VKAPI_PTR* DeviceFunctions::*Member)(VkDevice, Arguments...)>
struct Forward<Member> {
    static Result VKAPI_CALL call(VkDevice device, Arguments... arguments) {
        const ShaderDriver& driver = *object<Device>(device)->shaders;
        return (driver.fn().*Member)(driver.handle(), arguments...);
    }
};

// As for every command: what fails is told at the end of the recording.
template <typename Work>
void record_shader(VkCommandBuffer handle, Work work) {
    CommandBuffer& buffer = *object<CommandBuffer>(handle);
    const VkResult result = guarded([&] {
        ShaderCommands& commands = with_shaders(buffer);
        work(commands.driver().fn(), commands.handle());
        return VK_SUCCESS;
    });
    if (result != VK_SUCCESS) buffer.failure = result;
}

VkResult VKAPI_CALL CreateBufferView(VkDevice device, const VkBufferViewCreateInfo* info, const VkAllocationCallbacks*, VkBufferView* out) {
    ShaderDriver& driver = *object<Device>(device)->shaders;
    return guarded([&] {
        const Buffer& buffer = *object<Buffer>(info->buffer);
        VkBufferViewCreateInfo there = *info;
        there.buffer = driver.buffer_over(*buffer.memory);
        there.offset += buffer.offset;
        return driver.fn().CreateBufferView(driver.handle(), &there, nullptr, out);
    });
}

// Updating a descriptor set has no result: the next command that binds one on this thread fails instead.
thread_local VkResult update_failure = VK_SUCCESS;

void VKAPI_CALL UpdateDescriptorSets(VkDevice device, std::uint32_t count, const VkWriteDescriptorSet* writes, std::uint32_t,
                                     const VkCopyDescriptorSet*) {
    ShaderDriver& driver = *object<Device>(device)->shaders;
    const VkResult result = guarded([&] {
        for (std::uint32_t i = 0; i < count; ++i) {
            VkWriteDescriptorSet write = writes[i];
            // The others are of views, which are the other driver's own.
            const std::uint32_t buffers = write.descriptorType == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER ? write.descriptorCount : 0;
            std::vector<VkDescriptorBufferInfo> infos(write.pBufferInfo, write.pBufferInfo + buffers);
            for (VkDescriptorBufferInfo& info : infos) {
                const Buffer& buffer = *object<Buffer>(info.buffer);
                info.buffer = driver.buffer_over(*buffer.memory);
                info.offset += buffer.offset;
            }
            write.pBufferInfo = infos.data();
            driver.fn().UpdateDescriptorSets(driver.handle(), 1, &write, 0, nullptr);
        }
        return VK_SUCCESS;
    });
    if (result != VK_SUCCESS) update_failure = result;
}

void VKAPI_CALL CmdBindPipeline(VkCommandBuffer buffer, VkPipelineBindPoint point, VkPipeline pipeline) {
    record_shader(buffer, [&](const DeviceFunctions& fn, VkCommandBuffer to) { fn.CmdBindPipeline(to, point, pipeline); });
}

void VKAPI_CALL CmdBindDescriptorSets(VkCommandBuffer buffer, VkPipelineBindPoint point, VkPipelineLayout layout, std::uint32_t first,
                                      std::uint32_t count, const VkDescriptorSet* sets, std::uint32_t offset_count, const std::uint32_t* offsets) {
    if (const VkResult failure = std::exchange(update_failure, VK_SUCCESS); failure != VK_SUCCESS) {
        object<CommandBuffer>(buffer)->failure = failure;
        return;
    }
    record_shader(buffer, [&](const DeviceFunctions& fn, VkCommandBuffer to) {
        fn.CmdBindDescriptorSets(to, point, layout, first, count, sets, offset_count, offsets);
    });
}

void VKAPI_CALL CmdPushConstants(VkCommandBuffer buffer, VkPipelineLayout layout, VkShaderStageFlags stages, std::uint32_t offset,
                                 std::uint32_t size, const void* values) {
    record_shader(buffer, [&](const DeviceFunctions& fn, VkCommandBuffer to) { fn.CmdPushConstants(to, layout, stages, offset, size, values); });
}

void VKAPI_CALL CmdDispatch(VkCommandBuffer buffer, std::uint32_t x, std::uint32_t y, std::uint32_t z) {
    record_shader(buffer, [&](const DeviceFunctions& fn, VkCommandBuffer to) { fn.CmdDispatch(to, x, y, z); });
}

struct Entry {
    std::string_view name;
    PFN_vkVoidFunction function;
};

#define TVK_FORWARD(name) {"vk" #name, reinterpret_cast<PFN_vkVoidFunction>(&Forward<&DeviceFunctions::name>::call)},
#define TVK_OWN(name) {"vk" #name, reinterpret_cast<PFN_vkVoidFunction>(static_cast<PFN_vk##name>(&name))},
const Entry kEntries[] = {TVK_SHADER_OBJECT_FUNCTIONS(TVK_FORWARD) TVK_SHADER_COMMANDS(TVK_OWN)};
#undef TVK_OWN
#undef TVK_FORWARD

} // namespace

PFN_vkVoidFunction shader_function(const char* name) {
    const auto* entry = std::find_if(std::begin(kEntries), std::end(kEntries), [&](const Entry& e) { return e.name == name; });
    return entry == std::end(kEntries) ? nullptr : entry->function;
}

} // namespace tensorvk::vulkan::host_driver
