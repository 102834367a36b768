#include "vulkan/timestamps.hpp"

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {

TimestampPool::TimestampPool(std::shared_ptr<Device> device, std::uint32_t count)
    : device_(std::move(device)), count_(count) {
    if (!device_->caps().timestamps)
        throw Unsupported("This device's queue has no timestamps, so nothing can be timed on it.");
    if (count == 0) throw InvalidArgument("A timestamp pool needs at least one timestamp.");
    VkQueryPoolCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
    info.queryType = VK_QUERY_TYPE_TIMESTAMP;
    info.queryCount = count;
    check(device_->fn().CreateQueryPool(device_->handle(), &info, nullptr, &handle_), "create a timestamp pool");
}

TimestampPool::~TimestampPool() {
    device_->fn().DestroyQueryPool(device_->handle(), handle_, nullptr);
}

std::vector<std::uint64_t> TimestampPool::read(std::uint32_t first, std::uint32_t count) const {
    std::vector<std::uint64_t> ticks(count);
    return read(first, ticks) ? ticks : std::vector<std::uint64_t>{};
}

bool TimestampPool::read(std::uint32_t first, std::span<std::uint64_t> ticks) const {
    const std::size_t count = ticks.size();
    if (count == 0 || first >= count_ || count > count_ - first) {
        throw InvalidArgument(
            text("Timestamps ", first, " to ", first + count, " are outside the pool of ", count_, "."));
    }
    const VkResult result = device_->fn().GetQueryPoolResults(device_->handle(), handle_, first, static_cast<std::uint32_t>(count),
                                                              ticks.size_bytes(), ticks.data(),
                                                              sizeof(std::uint64_t), VK_QUERY_RESULT_64_BIT);
    check(result, "read timestamps");
    if (result == VK_NOT_READY) return false;
    const double period = static_cast<double>(device_->caps().limits.timestamp_period_ns);
    if (period != 1.0) {
        for (std::uint64_t& tick : ticks) tick = static_cast<std::uint64_t>(static_cast<long double>(tick) * period);
    }
    return true;
}

double TimestampPool::elapsed_ns(std::uint64_t start, std::uint64_t end) const noexcept {
    const std::uint32_t bits = device_->caps().timestamp_bits;
    if (end >= start || bits >= 64) return static_cast<double>(static_cast<std::int64_t>(end - start));
    // The counter may have wrapped; a difference of more than half its range is an earlier point instead.
    const double range =
        static_cast<double>(1ULL << bits) * static_cast<double>(device_->caps().limits.timestamp_period_ns);
    const double difference = static_cast<double>(end) - static_cast<double>(start);
    return difference < -range / 2 ? difference + range : difference;
}

} // namespace tensorvk::vulkan
