// Owners of streams, events and device memory, and errors as exceptions.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

#include "tensorvk/cudart.h"

namespace segment {

inline void check(tensorvk::cudaError_t error) {
    if (error != tensorvk::cudaSuccess) throw std::runtime_error(tensorvk::lastErrorMessage());
}

class Stream {
  public:
    Stream() { check(tensorvk::cudaStreamCreate(&stream_)); }
    ~Stream() { tensorvk::cudaStreamDestroy(stream_); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    [[nodiscard]] tensorvk::cudaStream_t get() const { return stream_; }
    void synchronize() const { check(tensorvk::cudaStreamSynchronize(stream_)); }

  private:
    tensorvk::cudaStream_t stream_{};
};

class Event {
  public:
    Event() { check(tensorvk::cudaEventCreate(&event_)); }
    ~Event() { tensorvk::cudaEventDestroy(event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    void record(const Stream& stream) const { check(tensorvk::cudaEventRecord(event_, stream.get())); }
    //! Milliseconds from `earlier` to this event; both must have happened.
    [[nodiscard]] float since(const Event& earlier) const {
        float milliseconds = 0;
        check(tensorvk::cudaEventElapsedTime(&milliseconds, earlier.event_, event_));
        return milliseconds;
    }

  private:
    tensorvk::cudaEvent_t event_{};
};

class DeviceMemory {
  public:
    explicit DeviceMemory(std::size_t bytes) { check(tensorvk::cudaMalloc(&memory_, bytes)); }
    ~DeviceMemory() { tensorvk::cudaFree(memory_); }
    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;
    [[nodiscard]] void* get() const { return memory_; }

  private:
    void* memory_ = nullptr;
};

}  // namespace segment
