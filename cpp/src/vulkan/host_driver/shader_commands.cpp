#include "vulkan/host_driver/shader_commands.hpp"

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/host_driver/shader_driver.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

void add_to(VkCommandBuffer commands, ShaderDriver& driver, const Copy& copy) {
    VkBufferCopy region = copy.region;
    region.srcOffset += copy.source->offset;
    region.dstOffset += copy.target->offset;
    driver.fn().CmdCopyBuffer(commands, driver.buffer_over(*copy.source->memory), driver.buffer_over(*copy.target->memory), 1, &region);
}

void add_to(VkCommandBuffer commands, ShaderDriver& driver, const Fill& fill) {
    driver.fn().CmdFillBuffer(commands, driver.buffer_over(*fill.target->memory), fill.target->offset + fill.offset, fill.size, fill.word);
}

void add_to(VkCommandBuffer commands, ShaderDriver& driver, const ResetQueries& reset) {
    driver.fn().CmdResetQueryPool(commands, driver.pool_for(*reset.pool), reset.first, reset.count);
}

void add_to(VkCommandBuffer commands, ShaderDriver& driver, const WriteTimestamp& timestamp) {
    driver.fn().CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, driver.pool_for(*timestamp.pool), timestamp.query);
}

// The other driver's ticks are nanoseconds too, or its devices are not opened late.
VkResult fetch(ShaderDriver& driver, const WriteTimestamp& timestamp) {
    std::uint64_t ticks = 0;
    const VkResult result = driver.fn().GetQueryPoolResults(driver.handle(), timestamp.pool->for_shaders->handle(), timestamp.query, 1,
                                                            sizeof(ticks), &ticks, sizeof(ticks), VK_QUERY_RESULT_64_BIT);
    if (result != VK_SUCCESS) return result;
    Query& query = timestamp.pool->queries[timestamp.query];
    query.ticks = ticks;
    query.written = true;
    return VK_SUCCESS;
}

} // namespace

ShaderCommands::ShaderCommands(ShaderDriver& driver) : driver_(driver) {
    VkCommandPoolCreateInfo pool{};
    pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    pool.queueFamilyIndex = driver.queue_family();
    check(driver.fn().CreateCommandPool(driver.handle(), &pool, nullptr, &pool_), "create a command pool");
    VkCommandBufferAllocateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    info.commandPool = pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    const VkResult result = driver.fn().AllocateCommandBuffers(driver.handle(), &info, &handle_);
    if (result < 0) {
        driver.fn().DestroyCommandPool(driver.handle(), pool_, nullptr);
        throw_result(result, "allocate a command buffer");
    }
}

ShaderCommands::~ShaderCommands() {
    driver_.fn().DestroyCommandPool(driver_.handle(), pool_, nullptr);
}

void ShaderCommands::reset() {
    check(driver_.fn().ResetCommandPool(driver_.handle(), pool_, 0), "reset a command pool");
}

void ShaderCommands::begin() {
    VkCommandBufferBeginInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    info.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
    check(driver_.fn().BeginCommandBuffer(handle_, &info), "begin a command buffer");
    full_barrier();
}

VkResult ShaderCommands::end() const {
    return driver_.fn().EndCommandBuffer(handle_);
}

void ShaderCommands::add(const Command& command) {
    std::visit([&](const auto& each) { add_to(handle_, driver_, each); }, command);
}

void ShaderCommands::full_barrier() {
    VkMemoryBarrier memory{};
    memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    memory.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
    memory.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
    driver_.fn().CmdPipelineBarrier(handle_, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &memory, 0, nullptr, 0,
                                    nullptr);
}

std::uint64_t ShaderCommands::start() const noexcept {
    return driver_.submit(handle_);
}

VkResult ShaderCommands::finish(std::uint64_t started, std::span<const Command> own) const noexcept {
    VkResult result = driver_.wait(started);
    for (const Command& command : own) {
        const auto* timestamp = std::get_if<WriteTimestamp>(&command);
        if (timestamp != nullptr && result == VK_SUCCESS) result = fetch(driver_, *timestamp);
    }
    return result;
}

ShaderCommands& with_shaders(CommandBuffer& buffer) {
    if (!buffer.shaders) buffer.shaders = std::make_shared<ShaderCommands>(*buffer.device.shaders);
    if (!buffer.has_shaders) {
        buffer.shaders->begin();
        for (const Command& command : buffer.commands) {
            buffer.shaders->add(command);
            buffer.shaders->full_barrier(); // barriers between them were not kept
        }
        buffer.has_shaders = true;
    }
    return *buffer.shaders;
}

} // namespace tensorvk::vulkan::host_driver
