// The device's clock, as seen by a kernel whose time is nothing but clock cycles. GPUs fall to a fifth of their clock within a second or two in
// which there is little to do (an H200: from 1980 to 345 MHz), such as the host's compiling, and take some tenths of a second of work to rise
// again: candidates that were timed at different clocks cannot be compared.
#pragma once

#include <memory>

#include "runtime/executor.hpp"
#include "stream/stream.hpp"
#include "support/log.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {

class Clock {
public:
    //! Throws what loading a program throws.
    Clock(const std::shared_ptr<vulkan::Device>& device, std::shared_ptr<stream::Stream> stream, LogSink& log);

    //! Keeps the device busy until it is as fast as it was seen before; at the first call until it gets no faster. Gives up after a while: a device
    //! that has grown hot may not come back, and what it reaches counts from then on.
    void bring_up();
    //! Whether it still is that fast.
    [[nodiscard]] bool is_up();

private:
    //! Milliseconds of the yardstick, with work for all processors behind it.
    [[nodiscard]] float lap();

    std::shared_ptr<stream::Stream> stream_;
    std::unique_ptr<runtime::Execution> execution_;
    float best_ = 0.0f; // shortest lap; 0: none yet
};

} // namespace tensorvk::builder
