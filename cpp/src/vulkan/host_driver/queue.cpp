#include "vulkan/host_driver/queue.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "vulkan/host_driver/entry_points.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

constexpr std::uint64_t kSmallWork = 64ULL << 10; // bytes: some 5 us, about what waking a thread takes

void run(const Copy& copy) {
    std::memmove(copy.target->data + copy.region.dstOffset, copy.source->data + copy.region.srcOffset,
                 copy.region.size);
}

void run(const Fill& fill) {
    std::byte* at = fill.target->data + fill.offset;
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

std::vector<Point> points(std::uint32_t count, const VkSemaphore* semaphores, const std::uint64_t* values) {
    std::vector<Point> out;
    for (std::uint32_t i = 0; i < count; ++i) out.push_back({object<Semaphore>(semaphores[i]), values[i]});
    return out;
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
    std::uint64_t bytes = 0;
    for (const CommandBuffer* commands : submission.commands) bytes += commands->bytes;
    if (bytes > kSmallWork) return false;
    const std::lock_guard lock(timelines_.mutex);
    return std::all_of(submission.waits.begin(), submission.waits.end(),
                       [](const Point& wait) { return wait.semaphore->value >= wait.value; });
}

void QueueWorker::submit(Submission submission) {
    if (ready(submission)) return execute(submission);
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
    pending_.push_back(std::move(submission));
    changed_.notify_all();
}

void QueueWorker::wait_idle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return pending_.empty(); });
}

// Nothing of the submission is touched after its signals: who waited may destroy it.
void QueueWorker::execute(const Submission& submission) {
    {
        std::unique_lock lock(timelines_.mutex);
        for (const Point& wait : submission.waits) {
            timelines_.changed.wait(lock, [&] { return wait.semaphore->value >= wait.value; });
        }
    }
    for (const CommandBuffer* buffer : submission.commands) {
        for (const Command& command : buffer->commands) std::visit([](const auto& c) { run(c); }, command);
    }
    const std::lock_guard lock(timelines_.mutex);
    for (const Point& signal : submission.signals) signal.semaphore->value = signal.value;
    timelines_.changed.notify_all();
}

void QueueWorker::loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return closing_ || !pending_.empty(); });
        if (pending_.empty()) return;
        const Submission& first = pending_.front(); // stays where it is while others are added behind it
        lock.unlock();
        execute(first);
        lock.lock();
        pending_.pop_front();
        changed_.notify_all();
    }
}

void VKAPI_CALL GetDeviceQueue(VkDevice device, std::uint32_t, std::uint32_t, VkQueue* out) {
    *out = to_handle<VkQueue>(object<Device>(device)->queue.get());
}

VkResult VKAPI_CALL QueueSubmit(VkQueue queue, std::uint32_t count, const VkSubmitInfo* infos, VkFence) {
    return guarded([&] {
        for (std::uint32_t i = 0; i < count; ++i) {
            const VkSubmitInfo& info = infos[i];
            const VkTimelineSemaphoreSubmitInfo& values = values_of(info);
            Submission submission;
            submission.waits = points(info.waitSemaphoreCount, info.pWaitSemaphores, values.pWaitSemaphoreValues);
            submission.signals =
                points(info.signalSemaphoreCount, info.pSignalSemaphores, values.pSignalSemaphoreValues);
            for (std::uint32_t c = 0; c < info.commandBufferCount; ++c) {
                submission.commands.push_back(object<CommandBuffer>(info.pCommandBuffers[c]));
            }
            object<QueueWorker>(queue)->submit(std::move(submission));
        }
        return VK_SUCCESS;
    });
}

VkResult VKAPI_CALL DeviceWaitIdle(VkDevice device) {
    object<Device>(device)->queue->wait_idle();
    return VK_SUCCESS;
}

} // namespace tensorvk::vulkan::host_driver
