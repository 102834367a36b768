// Processes forked from one that uses a device.
#pragma once

#include "support/error.hpp"

namespace tensorvk::vulkan {

//! fork() copies a driver's locks but not its threads: whatever waits for the device would wait forever.
class ForkedProcess : public DeviceUnavailable {
  public:
    using DeviceUnavailable::DeviceUnavailable;
};

//! To be called once, when the driver is loaded. A process forked later runs at its end the exit handlers that it registers itself, none that it
//! inherited: those of the driver would end the parent's work.
void watch_for_forks();
//! Whether this process was forked after that.
[[nodiscard]] bool was_forked() noexcept;
//! Throws ForkedProcess if so.
void require_unforked();

} // namespace tensorvk::vulkan
