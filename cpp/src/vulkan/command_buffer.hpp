// Recorded work: dispatches, barriers, copies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vulkan/buffer.hpp"
#include "vulkan/pipeline.hpp"
#include "vulkan/timestamps.hpp"

namespace tensorvk::vulkan {

//! Owns its command pool and descriptor pools, so that two of them can be recorded by two threads. May be submitted any
//! number of times, also again before the first submission is done. begin() makes everything submitted earlier to the
//! same queue visible to it, and end() makes its writes visible to the host: nothing of that is the user's business.
//! Between its own commands barriers are explicit.
class CommandBuffer {
  public:
    //! `copies_alone`: for Device::upload_queue() and download_queue(); it can copy and fill, nothing else.
    explicit CommandBuffer(std::shared_ptr<Device> device, bool copies_alone = false);
    ~CommandBuffer();
    CommandBuffer(const CommandBuffer&) = delete;
    CommandBuffer& operator=(const CommandBuffer&) = delete;

    //! Starts over; the earlier recording must not be running.
    void begin();
    void end();

    //! `bindings` has pipeline.bindings() entries; offsets are multiples of limits.storage_offset_alignment, sizes at
    //! most limits.max_storage_range. `push` has pipeline.push_constant_bytes() bytes. Throws InvalidArgument when not.
    void dispatch(const Pipeline& pipeline, std::span<const BufferView> bindings, std::span<const std::byte> push,
                  std::array<std::uint32_t, 3> groups);
    //! Dispatches after it see the writes of dispatches before it. Compute to compute only: four times cheaper than one
    //! over all stages.
    void compute_barrier();
    //! Any of compute and transfer to any of compute and transfer.
    void full_barrier();

    //! Sizes must be equal.
    void copy(const BufferView& source, const BufferView& target);
    //! Offset and size are multiples of 4.
    void fill(const BufferView& target, std::uint32_t word);

    void reset_timestamps(const TimestampPool& pool, std::uint32_t first, std::uint32_t count);
    //! When everything recorded before is done.
    void write_timestamp(const TimestampPool& pool, std::uint32_t index);

    //! Keeps `object` alive until the next begin() or the destruction of this.
    void keep(std::shared_ptr<const void> object) { kept_.push_back(std::move(object)); }

    //! Lets go of what keep() holds; what was recorded must not run again.
    void let_go() { kept_.clear(); }

    [[nodiscard]] VkCommandBuffer handle() const noexcept { return handle_; }
    [[nodiscard]] Device& device() const noexcept { return *device_; }
    [[nodiscard]] std::uint32_t dispatch_count() const noexcept { return dispatches_; }
    [[nodiscard]] std::uint32_t barrier_count() const noexcept { return barriers_; }

  private:
    [[nodiscard]] VkDescriptorSet allocate_set(const Pipeline& pipeline);
    //! The range as texels of four floats, until the next begin().
    [[nodiscard]] VkBufferView create_texel_view(const BufferView& view);
    void destroy_texel_views() noexcept;
    void check_view(const Pipeline& pipeline, std::size_t binding, const BufferView& view) const;
    struct Work {
        VkPipelineStageFlags stages;
        VkAccessFlags writes, access;
    };
    [[nodiscard]] Work work() const noexcept;
    void barrier(VkPipelineStageFlags from, VkAccessFlags from_access, VkPipelineStageFlags to,
                 VkAccessFlags to_access);

    std::shared_ptr<Device> device_;
    bool copies_alone_;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    VkCommandBuffer handle_ = VK_NULL_HANDLE;
    std::vector<VkDescriptorPool> descriptor_pools_;
    std::size_t descriptor_pool_in_use_ = 0;
    std::vector<VkBufferView> texel_views_;
    VkPipeline bound_pipeline_ = VK_NULL_HANDLE;
    std::vector<std::shared_ptr<const void>> kept_;
    std::uint32_t dispatches_ = 0;
    std::uint32_t barriers_ = 0;
};

} // namespace tensorvk::vulkan
