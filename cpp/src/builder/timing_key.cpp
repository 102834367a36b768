#include "builder/timing_key.hpp"

#include <string>

#include "runtime/device_key.hpp"

namespace tensorvk::builder {

namespace {

//! A time belongs to one device and driver, and one way to measure.
Digest128 device_digest(const plan::DeviceKey& device, const std::string& driver, std::size_t times) {
    const std::string all = device.name + '/' + std::to_string(device.vendor_id) + '/' + std::to_string(device.device_id) + '/' + driver + '*' + std::to_string(times);
    return digest128(std::as_bytes(std::span(all)));
}

//! Mixing again with the same digest takes it out.
Digest128 mixed(Digest128 a, const Digest128& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::uint8_t>(a[i] ^ b[i]);
    return a;
}

} // namespace

std::size_t times_in_a_row(const vulkan::DeviceCaps& caps) { return caps.is_cpu ? 1 : 2; }

TimingKeys::TimingKeys(const vulkan::Device& device) {
    const plan::DeviceKey key = runtime::device_key(device);
    const std::size_t times = times_in_a_row(device.caps());
    exact_ = device_digest(key, std::to_string(key.driver_version), times);
    any_driver_ = device_digest(key, "any driver", times);
}

Digest128 TimingKeys::exact(const Digest128& content) const { return mixed(content, exact_); }
Digest128 TimingKeys::any_driver(const Digest128& content) const { return mixed(content, any_driver_); }

TimingCache TimingKeys::for_any_driver(const TimingCache& cache) const {
    return cache.mapped([&](const Digest128& key, Timing timing) {
        timing.checked = false;
        return std::pair(any_driver(mixed(key, exact_)), timing);
    });
}

} // namespace tensorvk::builder
