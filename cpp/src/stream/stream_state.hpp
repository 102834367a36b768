// What a stream is inside: its timeline, and the work that cannot go to the device's queue yet.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "stream/host_thread.hpp"
#include "stream/retained.hpp"
#include "vulkan/command_buffer.hpp"
#include "vulkan/device.hpp"
#include "vulkan/queue.hpp"
#include "vulkan/timeline.hpp"

namespace tensorvk::stream {

class DeviceContext;
struct StreamState;

//! "After this value of that stream."
struct Dependency {
    std::shared_ptr<StreamState> stream;
    std::uint64_t value = 0;
};

//! A piece of work: commands for the device, or a function for the host, or neither (a point to wait for).
struct Work {
    std::shared_ptr<const vulkan::CommandBuffer> commands;
    vulkan::Queue* queue = nullptr; // that the commands are for; null: the stream's
    std::function<void()> host;
    bool reports = false;             // what the function throws is thrown again at those who wait; a user's is dropped
    std::shared_ptr<const void> keep; // until the work is done
    std::vector<Dependency> waits;
    std::chrono::nanoseconds expected{0};
};

struct StreamState {
    StreamState(DeviceContext& owner, std::shared_ptr<vulkan::Device> on, vulkan::Queue& submits_to, std::uint64_t id,
                bool independent);

    DeviceContext& context;
    std::shared_ptr<vulkan::Device> device;
    vulkan::Queue& queue;
    vulkan::Timeline timeline;
    const std::uint64_t handle;
    const bool non_blocking;

    // Everything below is guarded by the context's mutex.
    struct Deferred {
        Work work;
        std::uint64_t value = 0;
    };
    std::uint64_t enqueued = 0;  // value of the latest piece of work
    vulkan::Queue* latest_queue;       // of the latest submission
    std::uint64_t latest_elsewhere = 0; // value of the latest submission to another queue than the stream's
    std::uint64_t submitted = 0; // values up to here are reached without anything more from the host
    bool host_failed = false;    // the host thread met a lost device: nothing behind it will ever run
    bool host_busy = false;      // the host thread owns value submitted + 1
    std::exception_ptr failure;  // of work that reports, until somebody who waits has met it
    bool destroyed = false;
    std::deque<Deferred> deferred;         // in order; the host must do something before the first can go to the queue
    std::vector<Dependency> pending_waits; // of wait_event(), for the next piece of work
    Retained retained;
    std::chrono::steady_clock::time_point expected_end;
    std::unique_ptr<HostThread> host_thread;
};

} // namespace tensorvk::stream
