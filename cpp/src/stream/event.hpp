// A point in a stream's order, with the device's time at it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "stream/errors.hpp"
#include "stream/stream.hpp"

namespace tensorvk::stream {

struct TimestampSlot;

class Event {
  public:
    //! Events with timing write a timestamp when reached; without, recording costs no submission.
    [[nodiscard]] static std::shared_ptr<Event> create(const std::shared_ptr<vulkan::Device>& device,
                                                       bool timing = true);
    //! Throws InvalidHandle for unknown or destroyed handles.
    [[nodiscard]] static std::shared_ptr<Event> from_handle(std::uint64_t handle);
    static void destroy(std::uint64_t handle);

    Event(std::shared_ptr<vulkan::Device> device, bool timing);
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    [[nodiscard]] std::uint64_t handle() const noexcept { return handle_; }
    [[nodiscard]] bool timing() const noexcept { return timing_; }
    [[nodiscard]] const std::shared_ptr<vulkan::Device>& device() const noexcept { return device_; }

    //! Marks the point after all work given to `stream` so far; the latest record counts.
    void record(Stream& stream);
    //! Waits for the latest record; returns at once when there was none.
    void synchronize() const;
    //! True when the latest record is done or there was none.
    [[nodiscard]] bool query() const;
    //! Milliseconds from `start` to `end`. Throws InvalidHandle when one was never recorded or has no timing, NotReady
    //! when one is not done.
    [[nodiscard]] static float elapsed_ms(const Event& start, const Event& end);

    struct Point {
        std::shared_ptr<StreamState> stream; // null: never recorded
        std::uint64_t value = 0;
        std::shared_ptr<TimestampSlot> slot; // null without timing
    };
    [[nodiscard]] Point point() const;

  private:
    [[nodiscard]] std::shared_ptr<TimestampSlot> free_slot(const StreamState& stream);

    std::shared_ptr<vulkan::Device> device_;
    bool timing_;
    std::uint64_t handle_ = 0;
    mutable std::mutex mutex_;
    Point point_;
    std::vector<std::shared_ptr<TimestampSlot>> slots_;
};

} // namespace tensorvk::stream
