// A device as plans name it.
#pragma once

#include "plan/program.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::runtime {

[[nodiscard]] inline plan::DeviceKey device_key(const vulkan::Device& device) {
    const vulkan::DeviceOffer& offer = device.offer();
    const std::string& played = device.caps().profile; // whose kernels may be fewer
    return {played.empty() ? offer.name : offer.name + " as " + played, offer.vendor_id, offer.device_id, offer.driver_version};
}

} // namespace tensorvk::runtime
