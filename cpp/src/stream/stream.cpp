#include "stream/stream.hpp"

#include <utility>

#include "stream/device_context.hpp"
#include "stream/event.hpp"
#include "stream/handle_table.hpp"
#include "support/error.hpp"

namespace tensorvk::stream {
namespace {

constexpr std::uint64_t kFirstHandle = 0x10000;

HandleTable<Stream>& table() {
    static auto* streams = new HandleTable<Stream>(kFirstHandle); // handles may be used while the process ends
    return *streams;
}

[[noreturn]] void throw_unknown(std::uint64_t handle) {
    throw InvalidHandle(text("Stream handle 0x", std::hex, handle,
                             table().was_used(handle, kFirstHandle)
                                 ? " belongs to a stream that was destroyed."
                                 : " is no stream: cudaStreamCreate gives one, 0 is the default."));
}

} // namespace

std::shared_ptr<Stream> Stream::create(const std::shared_ptr<vulkan::Device>& device, bool non_blocking) {
    const std::uint64_t handle = table().reserve();
    auto stream = std::make_shared<Stream>(DeviceContext::of(device).create_stream(handle, non_blocking));
    table().add(handle, stream);
    return stream;
}

std::shared_ptr<Stream> Stream::from_handle(std::uint64_t handle) {
    if (handle <= kPerThreadStreamHandle) return default_of(vulkan::Device::current());
    std::shared_ptr<Stream> stream = table().find(handle);
    if (!stream) throw_unknown(handle);
    return stream;
}

std::shared_ptr<Stream> Stream::default_of(const std::shared_ptr<vulkan::Device>& device) {
    return std::make_shared<Stream>(DeviceContext::of(device).default_stream());
}

void Stream::destroy(std::uint64_t handle) {
    if (handle <= kPerThreadStreamHandle) throw InvalidHandle("The default stream cannot be destroyed.");
    const std::shared_ptr<Stream> stream = table().remove(handle);
    if (!stream) throw_unknown(handle);
    stream->state_->context.retire_stream(*stream->state_);
}

Stream::Stream(std::shared_ptr<StreamState> state) : state_(std::move(state)) {
}

Stream::~Stream() = default;

std::uint64_t Stream::handle() const noexcept {
    return state_->handle;
}

bool Stream::is_default() const noexcept {
    return state_->handle == kDefaultStreamHandle;
}

bool Stream::non_blocking() const noexcept {
    return state_->non_blocking;
}

const std::shared_ptr<vulkan::Device>& Stream::device() const noexcept {
    return state_->device;
}

std::uint64_t Stream::submit(std::shared_ptr<const vulkan::CommandBuffer> commands, std::chrono::nanoseconds expected) {
    if (&commands->device() != state_->device.get()) {
        throw InvalidArgument(text("Work recorded for device ", commands->device().index(),
                                   " was given to a stream of device ", state_->device->index(), "."));
    }
    Work work;
    work.commands = std::move(commands);
    work.expected = expected;
    return state_->context.enqueue(*state_, std::move(work));
}

std::uint64_t Stream::submit_to(vulkan::Queue& queue, std::shared_ptr<const vulkan::CommandBuffer> commands) {
    Work work;
    work.commands = std::move(commands);
    work.queue = &queue;
    return state_->context.enqueue(*state_, std::move(work));
}

std::uint64_t Stream::host_function(std::function<void()> function) {
    Work work;
    work.host = std::move(function);
    return state_->context.enqueue(*state_, std::move(work));
}

std::uint64_t Stream::host_work(std::function<void()> function) {
    Work work;
    work.host = std::move(function);
    work.reports = true;
    return state_->context.enqueue(*state_, std::move(work));
}

void Stream::wait_event(const Event& event) {
    const Event::Point point = event.point();
    if (point.stream) state_->context.add_wait(*state_, {point.stream, point.value});
}

void Stream::synchronize() {
    wait_value(state_->context.settle(*state_));
}

void Stream::wait_value(std::uint64_t value) {
    if (!state_->timeline.reached(value)) {
        if (HostThread::is_current()) {
            throw NotPermitted("A host function must not wait for the device: its stream would wait for it in turn.");
        }
        state_->context.wait(*state_, value);
    }
    state_->context.release_finished(*state_);
    state_->context.throw_failure(*state_);
}

bool Stream::query() {
    return state_->timeline.reached(state_->context.settle(*state_));
}

std::uint64_t Stream::last_value() const {
    return state_->context.settle(*state_);
}

void synchronize_device(const std::shared_ptr<vulkan::Device>& device) {
    for (const std::shared_ptr<StreamState>& state : DeviceContext::of(device).streams()) Stream(state).synchronize();
}

} // namespace tensorvk::stream
