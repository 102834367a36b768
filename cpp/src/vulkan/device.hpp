// A logical device and what belongs to it: queues, memory, pipelines.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vulkan/device_plan.hpp"
#include "vulkan/physical_device.hpp"

namespace tensorvk::vulkan {

class MemoryPool;
class PipelineCache;
class Queue;

struct MemoryInfo {
    std::uint64_t free_bytes = 0;
    std::uint64_t total_bytes = 0;
};

class Device : public std::enable_shared_from_this<Device> {
  public:
    //! Number of devices; throws DeviceUnavailable when there is no loader.
    [[nodiscard]] static int count();
    //! The device at `index` of physical_devices(), opened at the first call and kept until the process ends.
    [[nodiscard]] static std::shared_ptr<Device> by_index(int index);
    //! The calling thread's device: 0 until set_current() is called on that thread.
    [[nodiscard]] static std::shared_ptr<Device> current();
    [[nodiscard]] static int current_index() noexcept;
    static void set_current(int index);
    //! Writes every open device's pipeline cache to disk when it grew; happens by itself when the process ends in
    //! order.
    static void save_pipeline_caches();
    //! A logical device of its own, for tests; everyone else shares by_index().
    [[nodiscard]] static std::shared_ptr<Device> create(const PhysicalDevice& physical, int index,
                                                        const PlanEnvironment& environment);

    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    [[nodiscard]] int index() const noexcept { return index_; }
    [[nodiscard]] VkDevice handle() const noexcept { return handle_; }
    [[nodiscard]] const DeviceFunctions& fn() const noexcept { return fn_; }
    [[nodiscard]] const DeviceOffer& offer() const noexcept { return offer_; }
    [[nodiscard]] const DevicePlan& plan() const noexcept { return plan_; }
    [[nodiscard]] const DeviceCaps& caps() const noexcept { return plan_.caps; }

    [[nodiscard]] std::size_t queue_count() const noexcept { return queues_.size(); }
    [[nodiscard]] Queue& queue(std::size_t index) const { return *queues_.at(index); }
    //! Copies beside what the other queues do: to the device's memory, or from it. Null where the device has no such queue.
    [[nodiscard]] Queue* upload_queue() const noexcept { return copy_queues_.empty() ? nullptr : copy_queues_.front().get(); }
    [[nodiscard]] Queue* download_queue() const noexcept { return copy_queues_.size() < 2 ? nullptr : copy_queues_.back().get(); }
    [[nodiscard]] MemoryPool& device_memory() const noexcept { return *device_memory_; }
    [[nodiscard]] MemoryPool& host_memory() const noexcept { return *host_memory_; }
    [[nodiscard]] PipelineCache& pipelines() const noexcept { return *pipelines_; }

    //! Of the heap that device buffers come from. Free bytes are the driver's budget where it tells one, else what this
    //! process left.
    [[nodiscard]] MemoryInfo memory_info() const;

    //! Opens the driver of a late device (vulkan/late), at the first call; for who makes shaders. Thread-safe. Throws
    //! DeviceUnavailable.
    void open_shaders();
    //! Whether the device's driver is opened when the first shader needs it.
    [[nodiscard]] bool late() const noexcept { return instance_->late(); }

    //! One descriptor set layout per number of buffers and set of those that are read as texels (bit i: binding i), made when first needed.
    //! Thread-safe.
    [[nodiscard]] VkDescriptorSetLayout set_layout(std::uint32_t bindings, std::uint32_t texel_bindings);

  private:
    Device(const PhysicalDevice& physical, int index, DevicePlan plan);
    void open();
    void load_functions();
    void lend_shaders();

    const Instance* instance_;
    VkPhysicalDevice physical_;
    int index_;
    DeviceOffer offer_;
    DevicePlan plan_;
    VkDevice handle_ = VK_NULL_HANDLE;
    DeviceFunctions fn_;
    std::vector<std::unique_ptr<Queue>> queues_;
    std::vector<std::unique_ptr<Queue>> copy_queues_;
    std::unique_ptr<MemoryPool> device_memory_;
    std::unique_ptr<MemoryPool> host_memory_;
    std::unique_ptr<PipelineCache> pipelines_;
    struct SetLayouts;
    std::unique_ptr<SetLayouts> set_layouts_;
};

} // namespace tensorvk::vulkan
