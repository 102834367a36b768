#include "stream/device_context.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "support/error.hpp"
#include "vulkan/fork.hpp"

namespace tensorvk::stream {

using Clock = std::chrono::steady_clock;

namespace {
// A stream that nobody waits for asks the device from this many unfinished submissions on.
constexpr std::size_t kManyRetained = 64;

// Null: it came to its end.
std::exception_ptr failure_of(const std::function<void()>& function) {
    try {
        function();
        return nullptr;
    } catch (const std::exception&) {
        return std::current_exception();
    }
}
} // namespace

StreamState::StreamState(DeviceContext& owner, std::shared_ptr<vulkan::Device> on, vulkan::Queue& submits_to,
                         std::uint64_t id, bool independent)
    : context(owner),
      device(std::move(on)),
      queue(submits_to),
      timeline(device),
      handle(id),
      non_blocking(independent),
      latest_queue(&submits_to),
      expected_end(Clock::now()) {
}

DeviceContext& DeviceContext::of(const std::shared_ptr<vulkan::Device>& device) {
    vulkan::require_unforked();
    static std::mutex mutex;
    // Kept until the process ends: streams of the user may be destroyed after every static.
    static auto* contexts = new std::map<const vulkan::Device*, std::unique_ptr<DeviceContext>>;
    const std::lock_guard lock(mutex);
    std::unique_ptr<DeviceContext>& context = (*contexts)[device.get()];
    if (!context) context = std::make_unique<DeviceContext>(device);
    return *context;
}

DeviceContext::DeviceContext(std::shared_ptr<vulkan::Device> device)
    : device_(std::move(device)), commands_(device_), copy_commands_(device_, true), staging_(device_) {
    streams_.push_back(std::make_shared<StreamState>(*this, device_, device_->queue(0), 0, false));
}

std::shared_ptr<StreamState> DeviceContext::create_stream(std::uint64_t handle, bool non_blocking) {
    std::vector<std::shared_ptr<StreamState>> finished; // destroyed after the lock is gone
    const std::lock_guard lock(mutex_);
    std::erase_if(streams_, [&](const std::shared_ptr<StreamState>& stream) {
        // Whoever still holds one may give it work, which begins only for streams that are here.
        const bool held = stream.use_count() > 1;
        const bool done = stream->destroyed && !held && stream->deferred.empty() && stream->timeline.reached(stream->enqueued);
        if (done) finished.push_back(stream);
        return done;
    });
    // The default stream has queue 0, the others take turns.
    next_queue_ = (next_queue_ + 1) % device_->queue_count();
    auto stream = std::make_shared<StreamState>(*this, device_, device_->queue(next_queue_), handle, non_blocking);
    streams_.push_back(stream);
    return stream;
}

void DeviceContext::retire_stream(StreamState& stream) {
    const std::lock_guard lock(mutex_);
    stream.destroyed = true;
}

std::vector<std::shared_ptr<StreamState>> DeviceContext::streams() {
    const std::lock_guard lock(mutex_);
    return streams_;
}

std::uint64_t DeviceContext::enqueue(StreamState& stream, Work work) {
    vulkan::require_unforked();
    Retained::Batch finished; // destroyed after the lock is gone
    const std::lock_guard lock(mutex_);
    const bool many = stream.retained.size() > kManyRetained;
    stream.retained.take(many ? stream.timeline.completed() : stream.timeline.seen(), finished);
    return enqueue_locked(stream, std::move(work));
}

std::uint64_t DeviceContext::enqueue_locked(StreamState& stream, Work work) {
    for (Dependency& wait : stream.pending_waits) work.waits.push_back(std::move(wait));
    stream.pending_waits.clear();
    collect_implicit_waits_locked(stream, work.waits);
    const std::uint64_t value = stream.enqueued + 1;
    if (!stream.host_busy && stream.deferred.empty() && waits_only_for_device(work)) {
        start_locked(stream, std::move(work), value); // if it throws, nothing has happened
        stream.enqueued = value;
        if (deferred_count_ > 0) advance_locked();
    } else {
        stream.deferred.push_back({std::move(work), value});
        stream.enqueued = value;
        ++deferred_count_;
    }
    return value;
}

void DeviceContext::add_wait(StreamState& stream, Dependency dependency) {
    if (dependency.stream.get() == &stream || !is_pending(dependency)) return;
    if (dependency.stream->device != stream.device) {
        // A semaphore of one device means nothing to another one, so the host carries the news.
        Work work;
        work.host = [dependency] { dependency.stream->context.wait(*dependency.stream, dependency.value); };
        enqueue(stream, std::move(work));
        return;
    }
    const std::lock_guard lock(mutex_);
    stream.pending_waits.push_back(std::move(dependency));
}

std::uint64_t DeviceContext::settle(StreamState& stream) {
    const std::lock_guard lock(mutex_);
    std::vector<Dependency> waits;
    collect_implicit_waits_locked(stream, waits);
    std::erase_if(stream.pending_waits, [](const Dependency& wait) { return !is_pending(wait); });
    if (waits.empty() && stream.pending_waits.empty()) return stream.enqueued;
    return enqueue_locked(stream, {});
}

void DeviceContext::wait(StreamState& stream, std::uint64_t value) {
    const std::chrono::nanoseconds expected = wait_for_host(stream, value);
    stream.timeline.wait(value, expected);
}

// Until only the device stands before `value`; returns how long the device will probably take, zero when unknown.
std::chrono::nanoseconds DeviceContext::wait_for_host(StreamState& stream, std::uint64_t value) {
    std::unique_lock lock(mutex_);
    host_progress_.wait(lock, [&] { return stream.submitted >= value || stream.host_failed; });
    const std::chrono::nanoseconds rest = stream.expected_end - Clock::now();
    return std::max(rest, std::chrono::nanoseconds(0));
}

void DeviceContext::throw_failure(StreamState& stream) {
    std::exception_ptr failure;
    {
        const std::lock_guard lock(mutex_);
        failure = std::exchange(stream.failure, nullptr);
    }
    if (failure) std::rethrow_exception(failure);
}

void DeviceContext::release_finished(StreamState& stream) {
    for (bool more = true; more;) {
        Retained::Batch finished;
        const std::lock_guard lock(mutex_);
        more = stream.retained.take(stream.timeline.seen(), finished);
    }
}

bool DeviceContext::is_pending(const Dependency& dependency) {
    return !dependency.stream->timeline.reached(dependency.value);
}

// The legacy default stream waits for all blocking streams, and they for it.
void DeviceContext::collect_implicit_waits_locked(StreamState& stream, std::vector<Dependency>& waits) {
    if (streams_.size() == 1 || stream.non_blocking) return;
    const auto add = [&](const std::shared_ptr<StreamState>& other) {
        Dependency dependency{other, other->enqueued};
        if (is_pending(dependency)) waits.push_back(std::move(dependency));
    };
    if (&stream != streams_.front().get()) return add(streams_.front());
    for (std::size_t i = 1; i < streams_.size(); ++i) {
        if (!streams_[i]->non_blocking) add(streams_[i]);
    }
}

bool DeviceContext::waits_only_for_device(const Work& work) {
    return std::all_of(work.waits.begin(), work.waits.end(),
                       [](const Dependency& wait) { return wait.stream->submitted >= wait.value; });
}

void DeviceContext::start_locked(StreamState& stream, Work work, std::uint64_t value) {
    if (work.host) {
        start_host_locked(stream, std::move(work), value);
    } else {
        submit_locked(stream, work, value);
    }
}

void DeviceContext::submit_locked(StreamState& stream, Work& work, std::uint64_t value) {
    vulkan::Queue& queue = work.queue != nullptr ? *work.queue : stream.queue;
    std::vector<vulkan::TimelinePoint> points;
    for (const Dependency& wait : work.waits) {
        // On one queue the order of submission and the barrier at every command buffer's start are enough.
        const bool same_queue = &wait.stream->queue == &queue && wait.value > wait.stream->latest_elsewhere;
        if (same_queue || !is_pending(wait)) continue;
        points.push_back(wait.stream->timeline.point(wait.value));
    }
    if (stream.latest_queue != &queue && !stream.timeline.reached(value - 1)) points.push_back(stream.timeline.point(value - 1));
    const VkCommandBuffer commands = work.commands ? work.commands->handle() : VK_NULL_HANDLE;
    queue.submit(commands, points, stream.timeline.point(value));
    stream.submitted = value;
    stream.latest_queue = &queue;
    if (&queue != &stream.queue) stream.latest_elsewhere = value;
    stream.expected_end = std::max(stream.expected_end, Clock::now()) + work.expected;
    if (work.commands) stream.retained.add(value, std::move(work.commands));
    if (work.keep) stream.retained.add(value, std::move(work.keep));
}

void DeviceContext::start_host_locked(StreamState& stream, Work work, std::uint64_t value) {
    stream.host_busy = true;
    if (!stream.host_thread) stream.host_thread = std::make_unique<HostThread>();
    stream.host_thread->post([this, &stream, value, work = std::move(work)] {
        try {
            stream.timeline.wait(value - 1);
            for (const Dependency& wait : work.waits) wait.stream->timeline.wait(wait.value);
            std::exception_ptr failure = failure_of(work.host);
            finish_host(stream, value, work.reports ? std::move(failure) : nullptr);
        } catch (const Error&) {
            fail_host();
        }
    });
}

void DeviceContext::finish_host(StreamState& stream, std::uint64_t value, std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!stream.failure) stream.failure = std::move(failure); // before anybody can see the value
    stream.timeline.signal(value);
    stream.submitted = value;
    stream.host_busy = false;
    host_progress_.notify_all();
    advance_locked();
}

// The device is lost. Those who wait go on to wait for the device itself, and meet the error there.
void DeviceContext::fail_host() {
    const std::lock_guard lock(mutex_);
    for (const auto& each : streams_) each->host_failed = true;
    host_progress_.notify_all();
}

// Starts whatever can start now; each start may free others.
void DeviceContext::advance_locked() {
    for (bool progress = true; progress && deferred_count_ > 0;) {
        progress = false;
        for (const auto& stream : streams_) {
            while (!stream->host_busy && !stream->deferred.empty() &&
                   waits_only_for_device(stream->deferred.front().work)) {
                StreamState::Deferred first = std::move(stream->deferred.front());
                stream->deferred.pop_front();
                --deferred_count_;
                start_locked(*stream, std::move(first.work), first.value);
                progress = true;
                host_progress_.notify_all();
            }
        }
    }
}

} // namespace tensorvk::stream
