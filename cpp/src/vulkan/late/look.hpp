// What a look at the machine's Vulkan devices found, as bytes for a file of this machine.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/hash.hpp"
#include "vulkan/device_plan.hpp"

namespace tensorvk::vulkan {

struct Look {
    Digest128 environment{};            // of driver_environment()
    Digest128 surroundings{};           // of driver_surroundings(libraries)
    std::vector<std::string> libraries; // files of loader and drivers, and what those loaded
    std::vector<DeviceOffer> offers;    // in the driver's order
};

[[nodiscard]] std::vector<std::byte> look_bytes(const Look& look);

//! The other way round; nothing where the bytes are not exactly what look_bytes() makes.
[[nodiscard]] std::optional<Look> read_look(std::span<const std::byte> bytes);

} // namespace tensorvk::vulkan
