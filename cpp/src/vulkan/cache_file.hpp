// Files that are kept between processes: a driver's pipeline cache above all. The driver's own header is not trusted:
// ours names the device and driver and holds a checksum, because drivers have crashed on damaged caches.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "vulkan/device_plan.hpp"

namespace tensorvk::vulkan {

//! $XDG_CACHE_HOME/tensorvk, or ~/.cache/tensorvk; empty when neither is known or TENSORVK_CACHE=0.
[[nodiscard]] std::filesystem::path cache_directory();

//! What a cache file begins with, and must begin with.
using CacheMagic = std::array<char, 8>;

//! Bytes with a checksum. Empty when the file is missing, damaged or of another kind.
[[nodiscard]] std::vector<std::byte> read_cache_bytes(const std::filesystem::path& path, const CacheMagic& magic);
//! As replace_file().
bool write_cache_bytes(const std::filesystem::path& path, const CacheMagic& magic,
                       std::span<const std::byte> bytes) noexcept;

//! File name for a device: changes with the device's UUID and the driver's version.
[[nodiscard]] std::string cache_file_name(const DeviceOffer& offer);

//! The stored pipelines; empty when the file is missing, damaged or made for something else.
[[nodiscard]] std::vector<std::byte> read_cache_file(const std::filesystem::path& path, const DeviceOffer& offer);

//! As write_cache_bytes().
bool write_cache_file(const std::filesystem::path& path, const DeviceOffer& offer,
                      std::span<const std::byte> bytes) noexcept;

} // namespace tensorvk::vulkan
