// Timings that come with the library: of devices that were measured, by any driver.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "builder/timing_cache.hpp"
#include "support/log.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {

//! The folder `timing_caches` beside this library.
[[nodiscard]] std::filesystem::path shipped_timings_folder();
//! "10de-2335.cache": by the numbers that PCI gives vendor and device.
[[nodiscard]] std::string shipped_timings_name(const vulkan::DeviceOffer& offer);
//! The folder's file for this device; empty where there is none.
[[nodiscard]] std::shared_ptr<TimingCache> shipped_timings(const std::filesystem::path& folder, const vulkan::DeviceOffer& offer, LogSink& log);

} // namespace tensorvk::builder
