// Recording.
#include <utility>

#include "vulkan/host_driver/entry_points.hpp"
#include "vulkan/host_driver/shader_commands.hpp"
#include "vulkan/host_driver/shader_driver.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

// Recording has no results: the end of it tells.
void record(VkCommandBuffer handle, const Command& command, std::uint64_t bytes = 0) {
    CommandBuffer& buffer = *object<CommandBuffer>(handle);
    const VkResult result = guarded([&] {
        buffer.commands.push_back(command);
        buffer.bytes += bytes;
        if (buffer.has_shaders) buffer.shaders->add(command);
        return VK_SUCCESS;
    });
    if (result != VK_SUCCESS) buffer.failure = result;
}

} // namespace

VkResult VKAPI_CALL CreateCommandPool(VkDevice device, const VkCommandPoolCreateInfo*, const VkAllocationCallbacks*,
                                      VkCommandPool* out) {
    return create<CommandPool>(out, *object<Device>(device));
}

void VKAPI_CALL DestroyCommandPool(VkDevice, VkCommandPool pool, const VkAllocationCallbacks*) {
    delete object<CommandPool>(pool);
}

VkResult VKAPI_CALL ResetCommandPool(VkDevice, VkCommandPool pool, VkCommandPoolResetFlags) {
    return guarded([&] {
        for (const auto& buffer : object<CommandPool>(pool)->buffers) {
            buffer->commands.clear();
            buffer->bytes = 0;
            buffer->failure = VK_SUCCESS;
            if (std::exchange(buffer->has_shaders, false)) buffer->shaders->reset();
        }
        return VK_SUCCESS;
    });
}

VkResult VKAPI_CALL AllocateCommandBuffers(VkDevice, const VkCommandBufferAllocateInfo* info, VkCommandBuffer* out) {
    return guarded([&] {
        CommandPool& pool = *object<CommandPool>(info->commandPool);
        auto& buffers = pool.buffers;
        for (std::uint32_t i = 0; i < info->commandBufferCount; ++i) {
            buffers.push_back(std::make_unique<CommandBuffer>(pool.device));
            out[i] = to_handle<VkCommandBuffer>(buffers.back().get());
        }
        return VK_SUCCESS;
    });
}

VkResult VKAPI_CALL BeginCommandBuffer(VkCommandBuffer, const VkCommandBufferBeginInfo*) {
    return VK_SUCCESS;
}

VkResult VKAPI_CALL EndCommandBuffer(VkCommandBuffer handle) {
    const CommandBuffer& buffer = *object<CommandBuffer>(handle);
    const VkResult result = buffer.has_shaders ? buffer.shaders->end() : VK_SUCCESS;
    return buffer.failure == VK_SUCCESS ? result : buffer.failure;
}

void VKAPI_CALL CmdPipelineBarrier(VkCommandBuffer handle, VkPipelineStageFlags from, VkPipelineStageFlags to, VkDependencyFlags flags,
                                   std::uint32_t count, const VkMemoryBarrier* barriers, std::uint32_t buffer_count,
                                   const VkBufferMemoryBarrier* buffers, std::uint32_t image_count, const VkImageMemoryBarrier* images) {
    // Our own commands run one after the other, and the timelines' lock orders them with the host.
    const CommandBuffer& buffer = *object<CommandBuffer>(handle);
    if (!buffer.has_shaders) return;
    const ShaderCommands& shaders = *buffer.shaders;
    shaders.driver().fn().CmdPipelineBarrier(shaders.handle(), from, to, flags, count, barriers, buffer_count, buffers, image_count, images);
}

void VKAPI_CALL CmdCopyBuffer(VkCommandBuffer buffer, VkBuffer source, VkBuffer target, std::uint32_t count,
                              const VkBufferCopy* regions) {
    for (std::uint32_t i = 0; i < count; ++i) {
        record(buffer, Copy{object<Buffer>(source), object<Buffer>(target), regions[i]}, regions[i].size);
    }
}

void VKAPI_CALL CmdFillBuffer(VkCommandBuffer buffer, VkBuffer target, VkDeviceSize offset, VkDeviceSize size,
                              std::uint32_t word) {
    Buffer* filled = object<Buffer>(target);
    const VkDeviceSize bytes = size == VK_WHOLE_SIZE ? filled->size - offset : size;
    record(buffer, Fill{filled, offset, bytes, word}, bytes);
}

void VKAPI_CALL CmdResetQueryPool(VkCommandBuffer buffer, VkQueryPool pool, std::uint32_t first, std::uint32_t count) {
    record(buffer, ResetQueries{object<QueryPool>(pool), first, count});
}

void VKAPI_CALL CmdWriteTimestamp(VkCommandBuffer buffer, VkPipelineStageFlagBits, VkQueryPool pool,
                                  std::uint32_t query) {
    record(buffer, WriteTimestamp{object<QueryPool>(pool), query});
}

VkResult VKAPI_CALL CreateQueryPool(VkDevice, const VkQueryPoolCreateInfo* info, const VkAllocationCallbacks*,
                                    VkQueryPool* out) {
    return create<QueryPool>(out, std::size_t{info->queryCount});
}

void VKAPI_CALL DestroyQueryPool(VkDevice, VkQueryPool pool, const VkAllocationCallbacks*) {
    delete object<QueryPool>(pool);
}

// 64-bit results without availability, which is all that is asked for. What is not written yet leaves its place as it
// is.
VkResult VKAPI_CALL GetQueryPoolResults(VkDevice, VkQueryPool pool, std::uint32_t first, std::uint32_t count,
                                        std::size_t, void* data, VkDeviceSize stride, VkQueryResultFlags) {
    VkResult result = VK_SUCCESS;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Query& query = object<QueryPool>(pool)->queries[first + i];
        if (!query.written) {
            result = VK_NOT_READY;
            continue;
        }
        *reinterpret_cast<std::uint64_t*>(static_cast<std::byte*>(data) + i * stride) = query.ticks;
    }
    return result;
}

} // namespace tensorvk::vulkan::host_driver
