#include <cstdint>

#include "stream/cudart_guard.hpp"
#include "stream/event.hpp"
#include "support/error.hpp"

namespace tensorvk {
namespace {

using stream::Event;
using stream::guarded;
using stream::Stream;
using vulkan::Device;

std::uint64_t number(const void* handle) {
    return reinterpret_cast<std::uintptr_t>(handle);
}

std::shared_ptr<Stream> get(cudaStream_t handle) {
    return Stream::from_handle(number(handle));
}
std::shared_ptr<Event> get(cudaEvent_t handle) {
    return Event::from_handle(number(handle));
}

void require(const void* result) {
    if (result == nullptr) throw InvalidArgument("The place for the result is null.");
}

void check_flags(const char* function, unsigned int flags, unsigned int known) {
    if ((flags & ~known) != 0)
        throw InvalidArgument(text(function, " knows no flags ", flags, "; allowed are those of ", known, "."));
}

} // namespace

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
    return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
    return guarded([&] {
        require(stream);
        check_flags("cudaStreamCreateWithFlags", flags, cudaStreamNonBlocking);
        const auto made = Stream::create(Device::current(), (flags & cudaStreamNonBlocking) != 0);
        *stream = reinterpret_cast<cudaStream_t>(made->handle());
    });
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int flags, int) {
    return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    return guarded([&] { Stream::destroy(number(stream)); });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    return guarded([&] { get(stream)->synchronize(); });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
    bool done = false;
    const cudaError_t error = guarded([&] { done = get(stream)->query(); });
    return error == cudaSuccess && !done ? cudaErrorNotReady : error;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags) {
    return guarded([&] {
        check_flags("cudaStreamWaitEvent", flags, cudaEventWaitDefault);
        get(stream)->wait_event(*get(event));
    });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void* userData) {
    return guarded([&] {
        require(reinterpret_cast<const void*>(fn));
        get(stream)->host_function([fn, userData] { fn(userData); });
    });
}

cudaError_t cudaEventCreate(cudaEvent_t* event, unsigned int flags) {
    return cudaEventCreateWithFlags(event, flags);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
    return guarded([&] {
        require(event);
        check_flags("cudaEventCreateWithFlags", flags, cudaEventBlockingSync | cudaEventDisableTiming);
        const auto made = Event::create(Device::current(), (flags & cudaEventDisableTiming) == 0);
        *event = reinterpret_cast<cudaEvent_t>(made->handle());
    });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    return guarded([&] { Event::destroy(number(event)); });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    return guarded([&] { get(event)->record(*get(stream)); });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    return guarded([&] { get(event)->synchronize(); });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    bool done = false;
    const cudaError_t error = guarded([&] { done = get(event)->query(); });
    return error == cudaSuccess && !done ? cudaErrorNotReady : error;
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
    return guarded([&] {
        require(ms);
        *ms = Event::elapsed_ms(*get(start), *get(end));
    });
}

} // namespace tensorvk
