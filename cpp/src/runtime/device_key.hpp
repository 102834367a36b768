// A device as plans name it.
#pragma once

#include "plan/program.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::runtime {

[[nodiscard]] inline plan::DeviceKey device_key(const vulkan::Device& device) {
    const vulkan::DeviceOffer& offer = device.offer();
    return {offer.name, offer.vendor_id, offer.device_id, offer.driver_version};
}

} // namespace tensorvk::runtime
