// Device memory of floats that frees itself.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "stream/copy.hpp"
#include "stream/memory.hpp"

namespace tensorvk::runtime {

class DeviceFloats {
  public:
    //! `shift`: bytes between the allocation's begin and the first float.
    DeviceFloats(const std::shared_ptr<vulkan::Device>& device, std::vector<float> values, std::uint64_t shift = 0)
        : stream_(stream::Stream::default_of(device)), count_(values.size()), shift_(shift) {
        base_ = stream::allocate_device(device, shift + values.size() * sizeof(float));
        if (!values.empty()) {
            stream::copy(address(), reinterpret_cast<std::uint64_t>(values.data()), values.size() * sizeof(float),
                         stream::CopyKind::kHostToDevice, *stream_);
        }
    }
    ~DeviceFloats() { free(); }
    DeviceFloats(const DeviceFloats&) = delete;
    DeviceFloats& operator=(const DeviceFloats&) = delete;

    void free() {
        stream::free_device(base_);
        base_ = 0;
    }
    [[nodiscard]] std::uint64_t address() const noexcept { return base_ + shift_; }
    [[nodiscard]] std::vector<float> read() const {
        std::vector<float> values(count_);
        stream::copy(reinterpret_cast<std::uint64_t>(values.data()), address(), count_ * sizeof(float),
                     stream::CopyKind::kDeviceToHost, *stream_);
        return values;
    }

  private:
    std::shared_ptr<stream::Stream> stream_;
    std::size_t count_;
    std::uint64_t shift_;
    std::uint64_t base_ = 0;
};

//! 1, 2, 3, ...
inline std::vector<float> counting(std::size_t count, float first = 1.0F) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = first + static_cast<float>(i);
    }
    return values;
}

//! The sentence of the exception that `call` throws; empty when it throws none.
template <typename Exception, typename Call>
std::string refusal(Call call) {
    try {
        call();
        return "";
    } catch (const Exception& error) {
        return error.what();
    }
}

} // namespace tensorvk::runtime
