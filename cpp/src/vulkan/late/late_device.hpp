// CPU devices whose driver is opened when the first shader needs it: until then the driver of our own
// (vulkan/host_driver) gives memory, copies and timelines, under the name and with the numbers that the last look at
// the machine found.
#pragma once

#include <optional>
#include <vector>

#include "vulkan/physical_device.hpp"

namespace tensorvk::vulkan {

//! Whether a device of this plan can be used that way: nothing that its user sees may be different.
[[nodiscard]] bool can_open_late(const DeviceOffer& offer, const DevicePlan& plan);

//! The machine's devices as remembered, where the first of them can be opened late and nothing asks for a look; else
//! nothing.
[[nodiscard]] std::optional<std::vector<DeviceOffer>> late_offers();

//! The device of Vulkan's that was remembered. Throws DeviceUnavailable, and forgets what was remembered, where it is
//! another one by now or none.
[[nodiscard]] PhysicalDevice looked_device(const DeviceOffer& remembered);

} // namespace tensorvk::vulkan
