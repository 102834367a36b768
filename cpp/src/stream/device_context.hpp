// All streams of a device, and the order in which their work reaches the device's queues.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "stream/command_pool.hpp"
#include "stream/staging.hpp"
#include "stream/stream_state.hpp"

namespace tensorvk::stream {

//! Work goes to a VkQueue only when nothing but the device stands before it: a queue that waited for the host would
//! block every stream on it. Work behind a host function, or behind work of another stream that is held back itself,
//! waits here in software.
class DeviceContext {
  public:
    //! One per device, kept until the process ends.
    [[nodiscard]] static DeviceContext& of(const std::shared_ptr<vulkan::Device>& device);

    explicit DeviceContext(std::shared_ptr<vulkan::Device> device);
    DeviceContext(const DeviceContext&) = delete;
    DeviceContext& operator=(const DeviceContext&) = delete;

    [[nodiscard]] const std::shared_ptr<vulkan::Device>& device() const noexcept { return device_; }
    [[nodiscard]] const std::shared_ptr<StreamState>& default_stream() const noexcept { return streams_.front(); }
    [[nodiscard]] CommandPool& commands() noexcept { return commands_; }
    //! For vulkan::Device::upload_queue() and download_queue().
    [[nodiscard]] CommandPool& copy_commands() noexcept { return copy_commands_; }
    [[nodiscard]] Staging& staging() noexcept { return staging_; }

    [[nodiscard]] std::shared_ptr<StreamState> create_stream(std::uint64_t handle, bool non_blocking);
    void retire_stream(StreamState& stream);

    //! Adds work to the stream; returns its value.
    std::uint64_t enqueue(StreamState& stream, Work work);
    void add_wait(StreamState& stream, Dependency dependency);
    //! A value that is reached when everything that the stream must wait for so far is done, events and legacy default
    //! stream rules included.
    [[nodiscard]] std::uint64_t settle(StreamState& stream);
    //! Blocks until the stream reaches `value`. Throws DeviceLost.
    void wait(StreamState& stream, std::uint64_t value);
    //! Throws what work of the stream's host thread threw since the last call.
    void throw_failure(StreamState& stream);
    //! Lets go of what finished work used.
    void release_finished(StreamState& stream);
    //! The live streams and those with unfinished work.
    [[nodiscard]] std::vector<std::shared_ptr<StreamState>> streams();

  private:
    // Those named *_locked run with mutex_ held.
    void collect_implicit_waits_locked(StreamState& stream, std::vector<Dependency>& waits);
    [[nodiscard]] static bool is_pending(const Dependency& dependency);
    std::uint64_t enqueue_locked(StreamState& stream, Work work);
    [[nodiscard]] static bool waits_only_for_device(const Work& work);
    void start_locked(StreamState& stream, Work work, std::uint64_t value);
    void submit_locked(StreamState& stream, Work& work, std::uint64_t value);
    void start_host_locked(StreamState& stream, Work work, std::uint64_t value);
    void finish_host(StreamState& stream, std::uint64_t value, std::exception_ptr failure);
    void fail_host();
    [[nodiscard]] std::chrono::nanoseconds wait_for_host(StreamState& stream, std::uint64_t value);
    void advance_locked();

    std::shared_ptr<vulkan::Device> device_;
    std::mutex mutex_;
    std::condition_variable host_progress_;
    std::vector<std::shared_ptr<StreamState>> streams_; // the default stream first
    std::size_t deferred_count_ = 0;
    std::size_t next_queue_ = 0;
    CommandPool commands_;
    CommandPool copy_commands_;
    Staging staging_;
};

} // namespace tensorvk::stream
