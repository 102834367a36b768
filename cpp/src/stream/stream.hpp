// An ordered queue of work with a timeline.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "vulkan/command_buffer.hpp"
#include "vulkan/device.hpp"
#include "vulkan/queue.hpp"

namespace tensorvk::stream {

class DeviceContext;
class Event;
struct StreamState;

//! Handles 0, 1 (cudaStreamLegacy) and 2 (cudaStreamPerThread) mean the device's default stream, which orders itself
//! with every blocking stream as CUDA's legacy default stream does.
inline constexpr std::uint64_t kDefaultStreamHandle = 0;
inline constexpr std::uint64_t kPerThreadStreamHandle = 2;

//! Any thread may use any stream. Every piece of work gets the next value of the stream's timeline; the value is
//! reached when the work is done.
class Stream {
  public:
    //! A new stream on `device`, entered in the table of handles until destroy(handle()).
    [[nodiscard]] static std::shared_ptr<Stream> create(const std::shared_ptr<vulkan::Device>& device,
                                                        bool non_blocking = false);
    //! The stream behind a handle (0 to 2: default stream of the calling thread's device). Throws InvalidHandle for
    //! unknown or destroyed ones.
    [[nodiscard]] static std::shared_ptr<Stream> from_handle(std::uint64_t handle);
    //! The device's default stream.
    [[nodiscard]] static std::shared_ptr<Stream> default_of(const std::shared_ptr<vulkan::Device>& device);
    //! Takes the handle out of the table. Work that was given to the stream is still done.
    static void destroy(std::uint64_t handle);

    explicit Stream(std::shared_ptr<StreamState> state);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    [[nodiscard]] std::uint64_t handle() const noexcept;
    [[nodiscard]] bool is_default() const noexcept;
    [[nodiscard]] bool non_blocking() const noexcept;
    [[nodiscard]] const std::shared_ptr<vulkan::Device>& device() const noexcept;

    //! Runs `commands` (recorded, of this stream's device) after all earlier work; kept alive until done. `expected`:
    //! how long it will probably run, so that waiting polls for that long; zero when unknown. Returns the timeline
    //! value.
    std::uint64_t submit(std::shared_ptr<const vulkan::CommandBuffer> commands, std::chrono::nanoseconds expected = {});
    //! The same on another queue of the device; `commands` are of that queue's family.
    std::uint64_t submit_to(vulkan::Queue& queue, std::shared_ptr<const vulkan::CommandBuffer> commands);
    //! Calls `function` on a thread of the stream's own when all earlier work is done; later work waits for its return.
    //! The function must not call TensorVK (NotPermitted where it would wait); what it throws is dropped.
    std::uint64_t host_function(std::function<void()> function);
    //! The same for work of TensorVK's own: what it throws is thrown by the next call that waits for the stream.
    std::uint64_t host_work(std::function<void()> function);
    //! Later work of this stream waits until the event's latest record is done; an event never recorded is done.
    void wait_event(const Event& event);

    //! Waits until everything given to the stream so far is done. Throws DeviceLost, and NotPermitted inside a host
    //! function.
    void synchronize();
    void wait_value(std::uint64_t value);
    //! True when everything given to the stream is done.
    [[nodiscard]] bool query();
    //! The timeline value of the latest piece of work.
    [[nodiscard]] std::uint64_t last_value() const;

    [[nodiscard]] const std::shared_ptr<StreamState>& state() const noexcept { return state_; }

  private:
    std::shared_ptr<StreamState> state_;
};

//! Waits for all work of all streams of the device.
void synchronize_device(const std::shared_ptr<vulkan::Device>& device);

} // namespace tensorvk::stream
