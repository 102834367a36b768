// Bytes that the driver has taken from the system.
#pragma once

#include <cstdint>

namespace tensorvk::vulkan::host_driver {

[[nodiscard]] std::uint64_t allocated_bytes() noexcept;

} // namespace tensorvk::vulkan::host_driver
