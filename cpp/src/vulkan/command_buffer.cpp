#include "vulkan/command_buffer.hpp"

#include <algorithm>

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {
namespace {

constexpr std::uint32_t kSetsPerPool = 128;
constexpr std::uint32_t kDescriptorsPerPool = kSetsPerPool * 8;
constexpr std::uint32_t kTexelsPerPool = kSetsPerPool * 2;

constexpr std::uint64_t kTexelBytes = 16; // of four floats

//! The last one may reach beyond the view: buffers' capacities are whole texels.
static_assert(Buffer::kPadding % kTexelBytes == 0);
std::uint64_t texels_of(const BufferView& view) { return (view.size + kTexelBytes - 1) / kTexelBytes; }

VkDescriptorPool create_descriptor_pool(const Device& device, std::uint32_t descriptors) {
    const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, std::max(descriptors, kDescriptorsPerPool)},
                                          {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, std::max(descriptors, kTexelsPerPool)}};
    VkDescriptorPoolCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    info.maxSets = kSetsPerPool;
    info.poolSizeCount = device.caps().is_cpu ? 2 : 1;
    info.pPoolSizes = sizes;
    VkDescriptorPool pool = VK_NULL_HANDLE;
    check(device.fn().CreateDescriptorPool(device.handle(), &info, nullptr, &pool), "create a descriptor pool");
    return pool;
}

} // namespace

CommandBuffer::CommandBuffer(std::shared_ptr<Device> device, bool copies_alone) : device_(std::move(device)), copies_alone_(copies_alone) {
    VkCommandPoolCreateInfo pool{};
    pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    pool.queueFamilyIndex = copies_alone ? device_->plan().copy_queue_family : device_->plan().queue_family;
    check(device_->fn().CreateCommandPool(device_->handle(), &pool, nullptr, &pool_), "create a command pool");
    VkCommandBufferAllocateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    info.commandPool = pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    const VkResult result = device_->fn().AllocateCommandBuffers(device_->handle(), &info, &handle_);
    if (result < 0) {
        device_->fn().DestroyCommandPool(device_->handle(), pool_, nullptr);
        throw_result(result, "allocate a command buffer");
    }
}

CommandBuffer::~CommandBuffer() {
    device_->fn().DestroyCommandPool(device_->handle(), pool_, nullptr);
    for (VkDescriptorPool pool : descriptor_pools_)
        device_->fn().DestroyDescriptorPool(device_->handle(), pool, nullptr);
    destroy_texel_views();
}

void CommandBuffer::destroy_texel_views() noexcept {
    for (VkBufferView view : texel_views_) device_->fn().DestroyBufferView(device_->handle(), view, nullptr);
    texel_views_.clear();
}

VkBufferView CommandBuffer::create_texel_view(const BufferView& view) {
    VkBufferViewCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO;
    info.buffer = view.buffer->handle();
    info.format = VK_FORMAT_R32G32B32A32_SFLOAT;
    info.offset = view.offset;
    info.range = texels_of(view) * kTexelBytes;
    texel_views_.reserve(texel_views_.size() + 1);
    VkBufferView out = VK_NULL_HANDLE;
    check(device_->fn().CreateBufferView(device_->handle(), &info, nullptr, &out), "create a view of a buffer as texels");
    texel_views_.push_back(out);
    return out;
}

void CommandBuffer::begin() {
    const DeviceFunctions& fn = device_->fn();
    check(fn.ResetCommandPool(device_->handle(), pool_, 0), "reset a command pool");
    for (VkDescriptorPool pool : descriptor_pools_) {
        check(fn.ResetDescriptorPool(device_->handle(), pool, 0), "reset a descriptor pool");
    }
    descriptor_pool_in_use_ = 0;
    destroy_texel_views();
    bound_pipeline_ = VK_NULL_HANDLE;
    kept_.clear();
    dispatches_ = 0;
    VkCommandBufferBeginInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    info.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
    check(fn.BeginCommandBuffer(handle_, &info), "begin a command buffer");
    full_barrier();
    barriers_ = 0;
}

void CommandBuffer::end() {
    barrier(work().stages, work().writes, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    check(device_->fn().EndCommandBuffer(handle_), "finish a command buffer");
}

void CommandBuffer::dispatch(const Pipeline& pipeline, std::span<const BufferView> bindings,
                             std::span<const std::byte> push, std::array<std::uint32_t, 3> groups) {
    if (bindings.size() != pipeline.bindings() || push.size() != pipeline.push_constant_bytes()) {
        throw InvalidArgument(text("Kernel '", pipeline.name(), "' takes ", pipeline.bindings(), " buffers and ",
                                   pipeline.push_constant_bytes(), " bytes of push constants, given were ",
                                   bindings.size(), " and ", push.size(), "."));
    }
    const DeviceFunctions& fn = device_->fn();
    const auto& most = device_->caps().limits.max_group_count;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i] == 0) return;
        if (groups[i] > most[i]) {
            throw InvalidArgument(text("Kernel '", pipeline.name(), "' would run ", groups[i], " groups in dimension ",
                                       i, ", this device allows ", most[i], "."));
        }
    }
    for (std::size_t i = 0; i < bindings.size(); ++i) check_view(pipeline, i, bindings[i]);
    if (bound_pipeline_ != pipeline.handle()) {
        fn.CmdBindPipeline(handle_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle());
        bound_pipeline_ = pipeline.handle();
    }
    if (!bindings.empty()) {
        const VkDescriptorSet set = allocate_set(pipeline);
        std::vector<VkDescriptorBufferInfo> buffers(bindings.size());
        std::vector<VkBufferView> texels(bindings.size());
        std::vector<VkWriteDescriptorSet> writes(bindings.size());
        for (std::uint32_t i = 0; i < bindings.size(); ++i) {
            buffers[i] = {bindings[i].buffer->handle(), bindings[i].offset, bindings[i].size};
            writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
            writes[i].dstSet = set;
            writes[i].dstBinding = i;
            writes[i].descriptorCount = 1;
            writes[i].descriptorType = descriptor_type(pipeline.texel_bindings(), i);
            writes[i].pBufferInfo = &buffers[i];
            if (writes[i].descriptorType == VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER) {
                texels[i] = create_texel_view(bindings[i]);
                writes[i].pTexelBufferView = &texels[i];
            }
        }
        fn.UpdateDescriptorSets(device_->handle(), static_cast<std::uint32_t>(writes.size()), writes.data(), 0,
                                nullptr);
        fn.CmdBindDescriptorSets(handle_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout(), 0, 1, &set, 0, nullptr);
    }
    if (!push.empty()) {
        fn.CmdPushConstants(handle_, pipeline.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                            static_cast<std::uint32_t>(push.size()), push.data());
    }
    fn.CmdDispatch(handle_, groups[0], groups[1], groups[2]);
    ++dispatches_;
}

void CommandBuffer::check_view(const Pipeline& pipeline, std::size_t binding, const BufferView& view) const {
    const DeviceLimits& limits = device_->caps().limits;
    const auto refuse = [&](const auto&... parts) {
        throw InvalidArgument(text("Kernel '", pipeline.name(), "', buffer ", binding, ": ", parts...));
    };
    if (view.buffer == nullptr) refuse("none is given.");
    const std::uint64_t capacity = view.buffer->capacity();
    if (view.size == 0 || view.offset > capacity || view.size > capacity - view.offset) {
        refuse("bytes ", view.offset, " to ", view.offset + view.size, " are outside the buffer of ", capacity,
               " bytes.");
    }
    const bool as_texels =
        descriptor_type(pipeline.texel_bindings(), static_cast<std::uint32_t>(binding)) == VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
    const std::uint64_t alignment = as_texels ? std::max(limits.storage_offset_alignment, kTexelBytes) : limits.storage_offset_alignment;
    if (view.offset % alignment != 0) {
        refuse("offset ", view.offset, " is not a multiple of ", alignment, ", which this device needs.");
    }
    if (as_texels) {
        const std::uint64_t texels = texels_of(view);
        if (texels > limits.max_texels) refuse(texels, " texels are more than this device binds at once (", limits.max_texels, ").");
    } else if (view.size > limits.max_storage_range) {
        refuse(view.size, " bytes are more than this device binds at once (", limits.max_storage_range, ").");
    }
}

VkDescriptorSet CommandBuffer::allocate_set(const Pipeline& pipeline) {
    const VkDescriptorSetLayout layout = pipeline.set_layout();
    VkDescriptorSetAllocateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    info.descriptorSetCount = 1;
    info.pSetLayouts = &layout;
    for (;; ++descriptor_pool_in_use_) {
        const bool fresh = descriptor_pool_in_use_ == descriptor_pools_.size();
        if (fresh) descriptor_pools_.push_back(create_descriptor_pool(*device_, pipeline.bindings()));
        info.descriptorPool = descriptor_pools_[descriptor_pool_in_use_];
        VkDescriptorSet set = VK_NULL_HANDLE;
        const VkResult result = device_->fn().AllocateDescriptorSets(device_->handle(), &info, &set);
        if (result == VK_SUCCESS) return set;
        const bool full = result == VK_ERROR_OUT_OF_POOL_MEMORY || result == VK_ERROR_FRAGMENTED_POOL;
        if (fresh || !full) throw_result(result, "allocate a descriptor set");
    }
}

void CommandBuffer::compute_barrier() {
    barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
}

void CommandBuffer::full_barrier() {
    barrier(work().stages, work().writes, work().stages, work().access);
}

// Queues that copy alone know no other stages.
CommandBuffer::Work CommandBuffer::work() const noexcept {
    constexpr Work kCopies{VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT, VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT};
    constexpr VkAccessFlags kWrites = kCopies.writes | VK_ACCESS_SHADER_WRITE_BIT;
    constexpr Work kBoth{kCopies.stages | VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, kWrites, kCopies.access | kWrites | VK_ACCESS_SHADER_READ_BIT};
    return copies_alone_ ? kCopies : kBoth;
}

void CommandBuffer::barrier(VkPipelineStageFlags from, VkAccessFlags from_access, VkPipelineStageFlags to,
                            VkAccessFlags to_access) {
    VkMemoryBarrier memory{};
    memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    memory.srcAccessMask = from_access;
    memory.dstAccessMask = to_access;
    device_->fn().CmdPipelineBarrier(handle_, from, to, 0, 1, &memory, 0, nullptr, 0, nullptr);
    ++barriers_;
}

void CommandBuffer::copy(const BufferView& source, const BufferView& target) {
    if (source.size != target.size) {
        throw InvalidArgument(text("A copy of ", source.size, " bytes into ", target.size, " bytes."));
    }
    if (source.size == 0) return;
    const VkBufferCopy region{source.offset, target.offset, source.size};
    device_->fn().CmdCopyBuffer(handle_, source.buffer->handle(), target.buffer->handle(), 1, &region);
}

void CommandBuffer::fill(const BufferView& target, std::uint32_t word) {
    if (target.offset % 4 != 0 || target.size % 4 != 0) {
        throw InvalidArgument(text("A fill of bytes ", target.offset, " to ", target.offset + target.size,
                                   ", which are not multiples of 4."));
    }
    if (target.size > 0)
        device_->fn().CmdFillBuffer(handle_, target.buffer->handle(), target.offset, target.size, word);
}

void CommandBuffer::reset_timestamps(const TimestampPool& pool, std::uint32_t first, std::uint32_t count) {
    device_->fn().CmdResetQueryPool(handle_, pool.handle(), first, count);
}

void CommandBuffer::write_timestamp(const TimestampPool& pool, std::uint32_t index) {
    device_->fn().CmdWriteTimestamp(handle_, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool.handle(), index);
}

} // namespace tensorvk::vulkan
