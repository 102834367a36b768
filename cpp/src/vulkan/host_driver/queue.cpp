#include "vulkan/host_driver/queue.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "vulkan/host_driver/entry_points.hpp"
#include "vulkan/host_driver/shader_commands.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

constexpr std::uint64_t kSmallWork = 64ULL << 10; // bytes: some 5 us, about what waking a thread takes

void run(const Copy& copy) {
    std::memmove(copy.target->data() + copy.region.dstOffset, copy.source->data() + copy.region.srcOffset,
                 copy.region.size);
}

void run(const Fill& fill) {
    std::byte* at = fill.target->data() + fill.offset;
    for (std::uint64_t i = 0; i + sizeof(fill.word) <= fill.size; i += sizeof(fill.word)) {
        std::memcpy(at + i, &fill.word, sizeof(fill.word));
    }
}

void run(const ResetQueries& reset) {
    for (std::uint32_t i = 0; i < reset.count; ++i) reset.pool->queries[reset.first + i].written = false;
}

void run(const WriteTimestamp& timestamp) {
    Query& query = timestamp.pool->queries[timestamp.query];
    query.ticks = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    query.written = true;
}
static_assert(std::ratio_equal_v<std::chrono::steady_clock::period, std::nano>, "a tick is a nanosecond");

// Of a command buffer with shaders the other driver runs all; here only the host's view of timestamps is kept.
std::uint64_t start_shaders(const CommandBuffer& buffer) {
    for (const Command& command : buffer.commands) {
        if (const auto* reset = std::get_if<ResetQueries>(&command); reset != nullptr) run(*reset);
    }
    return buffer.shaders->start();
}

VkResult run(const CommandBuffer& buffer, std::uint64_t running) {
    if (buffer.has_shaders) return buffer.shaders->finish(running == 0 ? start_shaders(buffer) : running, buffer.commands);
    for (const Command& command : buffer.commands) std::visit([](const auto& c) { run(c); }, command);
    return VK_SUCCESS;
}

void set_points(std::vector<Point>& points, std::uint32_t count, const VkSemaphore* semaphores, const std::uint64_t* values) {
    points.clear();
    for (std::uint32_t i = 0; i < count; ++i) points.push_back({object<Semaphore>(semaphores[i]), values[i]});
}

const VkTimelineSemaphoreSubmitInfo& values_of(const VkSubmitInfo& info) {
    static const VkTimelineSemaphoreSubmitInfo kNone{};
    for (const auto* at = static_cast<const VkBaseInStructure*>(info.pNext); at != nullptr; at = at->pNext) {
        if (at->sType == VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO) {
            return *reinterpret_cast<const VkTimelineSemaphoreSubmitInfo*>(at);
        }
    }
    return kNone;
}

} // namespace

QueueWorker::~QueueWorker() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

bool QueueWorker::ready(const Submission& submission) {
    {
        const std::lock_guard lock(mutex_);
        if (!pending_.empty()) return false;
    }
    const std::lock_guard lock(timelines_.mutex);
    return std::all_of(submission.waits.begin(), submission.waits.end(),
                       [](const Point& wait) { return wait.semaphore->value >= wait.value; });
}

bool QueueWorker::small(const Submission& submission) {
    std::uint64_t bytes = 0;
    for (const CommandBuffer* commands : submission.commands) {
        if (commands->has_shaders) return false;
        bytes += commands->bytes;
    }
    return bytes <= kSmallWork;
}

std::list<Submission> QueueWorker::blank() {
    std::list<Submission> one;
    const std::lock_guard lock(mutex_);
    if (used_.empty()) {
        one.emplace_back();
    } else {
        one.splice(one.end(), used_, used_.begin());
    }
    return one;
}

void QueueWorker::submit(std::list<Submission> one) {
    Submission& submission = one.front();
    const bool first = ready(submission);
    const bool at_once = first && small(submission);
    submission.running = 0;
    if (at_once) {
        const VkResult result = execute(submission);
        const std::lock_guard lock(mutex_);
        return finish(one, result);
    }
    if (first && submission.commands.size() == 1 && submission.commands.front()->has_shaders) {
        submission.running = start_shaders(*submission.commands.front());
    }
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
    pending_.splice(pending_.end(), one);
    changed_.notify_all();
}

void QueueWorker::wait_idle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return pending_.empty(); });
}

VkResult QueueWorker::execute(const Submission& submission) {
    {
        std::unique_lock lock(timelines_.mutex);
        for (const Point& wait : submission.waits) {
            timelines_.changed.wait(lock, [&] { return wait.semaphore->value >= wait.value || timelines_.lost; });
        }
        if (timelines_.lost) return VK_ERROR_DEVICE_LOST;
    }
    VkResult result = VK_SUCCESS;
    for (const CommandBuffer* buffer : submission.commands) {
        if (result == VK_SUCCESS) result = run(*buffer, submission.running);
    }
    return result;
}

// Nothing that was submitted is touched after the signals: who waited may destroy it. The lock is held over both, so that
// who waited finds the submission among the used ones and the queue without work.
void QueueWorker::finish(std::list<Submission>& from, VkResult result) {
    used_.splice(used_.begin(), from, from.begin()); // the last used is used next
    const std::lock_guard lock(timelines_.mutex);
    timelines_.lost = timelines_.lost || result != VK_SUCCESS;
    if (!timelines_.lost) {
        for (const Point& signal : used_.front().signals) signal.semaphore->value = signal.value;
    }
    timelines_.changed.notify_all();
}

void QueueWorker::loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return closing_ || !pending_.empty(); });
        if (pending_.empty()) return;
        const Submission& first = pending_.front();
        lock.unlock();
        const VkResult result = execute(first);
        lock.lock();
        finish(pending_, result);
        changed_.notify_all();
    }
}

void VKAPI_CALL GetDeviceQueue(VkDevice device, std::uint32_t, std::uint32_t, VkQueue* out) {
    *out = to_handle<VkQueue>(object<Device>(device)->queue.get());
}

VkResult VKAPI_CALL QueueSubmit(VkQueue handle, std::uint32_t count, const VkSubmitInfo* infos, VkFence) {
    QueueWorker& queue = *object<QueueWorker>(handle);
    return guarded([&] {
        for (std::uint32_t i = 0; i < count; ++i) {
            const VkSubmitInfo& info = infos[i];
            const VkTimelineSemaphoreSubmitInfo& values = values_of(info);
            std::list<Submission> one = queue.blank();
            Submission& submission = one.front();
            set_points(submission.waits, info.waitSemaphoreCount, info.pWaitSemaphores, values.pWaitSemaphoreValues);
            set_points(submission.signals, info.signalSemaphoreCount, info.pSignalSemaphores, values.pSignalSemaphoreValues);
            submission.commands.clear();
            for (std::uint32_t c = 0; c < info.commandBufferCount; ++c) {
                submission.commands.push_back(object<CommandBuffer>(info.pCommandBuffers[c]));
            }
            queue.submit(std::move(one));
        }
        return VK_SUCCESS;
    });
}

VkResult VKAPI_CALL DeviceWaitIdle(VkDevice device) {
    object<Device>(device)->queue->wait_idle();
    return VK_SUCCESS;
}

} // namespace tensorvk::vulkan::host_driver
