// All pipelines of a device, by content; the driver's compiled form is kept on disk between processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "support/hash.hpp"
#include "vulkan/pipeline.hpp"

namespace tensorvk::vulkan {

class PipelineCache {
  public:
    explicit PipelineCache(Device& device);
    ~PipelineCache();
    PipelineCache(const PipelineCache&) = delete;
    PipelineCache& operator=(const PipelineCache&) = delete;

    //! The pipeline for `desc`, compiled at the first call. Thread-safe; different pipelines compile at the same time,
    //! and two threads that ask for the same one share the work.
    [[nodiscard]] std::shared_ptr<const Pipeline> get(const PipelineDesc& desc);

    //! Writes the driver's cache to disk when something was compiled since the last save. A failed write is not an
    //! error.
    void save() noexcept;

    //! Pipelines compiled (not found in memory) since this object was made.
    [[nodiscard]] std::uint64_t compiled() const;

  private:
    using Entry = std::shared_future<std::shared_ptr<const Pipeline>>;
    struct KeyHash {
        std::size_t operator()(const Digest128& key) const noexcept;
    };

    [[nodiscard]] VkPipelineCache open();

    Device& device_;
    std::mutex opening_;
    VkPipelineCache handle_ = VK_NULL_HANDLE; // the driver's, read from disk when the first pipeline is made
    mutable std::mutex mutex_;
    std::unordered_map<Digest128, Entry, KeyHash> entries_;
    std::uint64_t compiled_ = 0;
    std::uint64_t saved_at_ = 0; // value of compiled_ at the last save
};

} // namespace tensorvk::vulkan
