#include "stream/event.hpp"

#include <algorithm>
#include <utility>

#include "stream/device_context.hpp"
#include "stream/handle_table.hpp"
#include "support/error.hpp"

namespace tensorvk::stream {

struct TimestampSlot {
    explicit TimestampSlot(const std::shared_ptr<vulkan::Device>& device)
        : pool(device, 1), commands(std::make_shared<vulkan::CommandBuffer>(device)) {
        commands->begin();
        commands->reset_timestamps(pool, 0, 1);
        commands->write_timestamp(pool, 0);
        commands->end();
    }

    vulkan::TimestampPool pool;
    std::shared_ptr<vulkan::CommandBuffer> commands;
    std::shared_ptr<StreamState> stream; // of the latest use
    std::uint64_t value = 0;
};

namespace {

constexpr std::uint64_t kFirstHandle = 0x10008; // no event's number is a stream's

HandleTable<Event>& table() {
    static auto* events = new HandleTable<Event>(kFirstHandle); // handles may be used while the process ends
    return *events;
}

[[noreturn]] void throw_unknown(std::uint64_t handle) {
    throw InvalidHandle(text("Event handle 0x", std::hex, handle,
                             table().was_used(handle, kFirstHandle) ? " belongs to an event that was destroyed."
                                                                    : " is no event: cudaEventCreate gives one."));
}

std::uint64_t read_time(const Event& event, const Event::Point& point, const char* which) {
    if (!point.stream || !point.slot) {
        throw InvalidHandle(text("The ", which, " event ",
                                 event.timing() ? "was never recorded." : "was created with timing disabled."));
    }
    if (!point.stream->timeline.reached(point.value)) {
        throw NotReady(text("The ", which, " event is not done yet: synchronize it first."));
    }
    return point.slot->pool.read(0, 1).at(0);
}

} // namespace

std::shared_ptr<Event> Event::create(const std::shared_ptr<vulkan::Device>& device, bool timing) {
    auto event = std::make_shared<Event>(device, timing);
    event->handle_ = table().reserve();
    table().add(event->handle_, event);
    return event;
}

std::shared_ptr<Event> Event::from_handle(std::uint64_t handle) {
    std::shared_ptr<Event> event = table().find(handle);
    if (!event) throw_unknown(handle);
    return event;
}

void Event::destroy(std::uint64_t handle) {
    if (!table().remove(handle)) throw_unknown(handle);
}

Event::Event(std::shared_ptr<vulkan::Device> device, bool timing) : device_(std::move(device)), timing_(timing) {
    if (timing && !device_->caps().timestamps)
        throw Unsupported("This device has no timestamps, so events cannot be timed on it.");
}

Event::~Event() = default;

void Event::record(Stream& stream) {
    if (stream.device() != device_) {
        throw InvalidHandle(text("An event of device ", device_->index(), " cannot be recorded in a stream of device ",
                                 stream.device()->index(), "."));
    }
    const std::lock_guard lock(mutex_);
    const std::shared_ptr<StreamState>& state = stream.state();
    if (!timing_) {
        point_ = {state, state->context.settle(*state), nullptr};
        return;
    }
    const std::shared_ptr<TimestampSlot> slot = free_slot(*state);
    Work work;
    work.commands = slot->commands;
    work.keep = slot;
    slot->value = state->context.enqueue(*state, std::move(work));
    slot->stream = state;
    point_ = {state, slot->value, slot};
}

// A slot may be written again while its last use is pending only in the same queue's order.
std::shared_ptr<TimestampSlot> Event::free_slot(const StreamState& stream) {
    const auto usable = [&](const std::shared_ptr<TimestampSlot>& slot) {
        return !slot->stream || slot->stream.get() == &stream || slot->stream->timeline.reached(slot->value);
    };
    const auto found = std::find_if(slots_.begin(), slots_.end(), usable);
    if (found != slots_.end()) return *found;
    slots_.push_back(std::make_shared<TimestampSlot>(device_));
    return slots_.back();
}

Event::Point Event::point() const {
    const std::lock_guard lock(mutex_);
    return point_;
}

void Event::synchronize() const {
    const Point latest = point();
    if (latest.stream) Stream(latest.stream).wait_value(latest.value);
}

bool Event::query() const {
    const Point latest = point();
    return !latest.stream || latest.stream->timeline.reached(latest.value);
}

float Event::elapsed_ms(const Event& start, const Event& end) {
    if (start.device_ != end.device_) throw InvalidHandle("Events of two devices have no common clock.");
    const Point from = start.point();
    const Point to = end.point();
    const std::uint64_t begin = read_time(start, from, "start");
    const std::uint64_t finish = read_time(end, to, "end");
    constexpr double kNanosecondsPerMillisecond = 1e6;
    return static_cast<float>(from.slot->pool.elapsed_ns(begin, finish) / kNanosecondsPerMillisecond);
}

} // namespace tensorvk::stream
