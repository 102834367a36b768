// What the last full look at this machine's Vulkan devices found, kept on disk: opening a driver to ask it again takes
// forty times as long as loading a small network.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vulkan/device_plan.hpp"

namespace tensorvk::vulkan {

//! Devices in the driver's order; nothing where there was no look, something changed since, or the file is damaged.
[[nodiscard]] std::optional<std::vector<DeviceOffer>> last_look();

//! `libraries`: files of loader and drivers. A failed write is not an error.
void remember_look(std::span<const DeviceOffer> offers, std::vector<std::string> libraries) noexcept;

void forget_look() noexcept;

} // namespace tensorvk::vulkan
