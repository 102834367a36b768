#include "vulkan/late/late_device.hpp"

#include <algorithm>
#include <cstdlib>

#include "support/error.hpp"
#include "vulkan/late/last_look.hpp"
#include "vulkan/late/look.hpp"

namespace tensorvk::vulkan {
namespace {

constexpr std::uint64_t kPage = 4096; // what memory of our own driver begins and ends at

bool asks_for_look(const PlanEnvironment& environment) {
    const char* validation = std::getenv("TENSORVK_VALIDATION");
    return environment.disables("late_driver") || environment.disables("vulkan") ||
           (validation != nullptr && ValidationWish::parse(validation).on);
}

// How much memory there is may change while the machine runs.
bool same_device(DeviceOffer found, const DeviceOffer& remembered) {
    if (found.memory_heaps.size() == remembered.memory_heaps.size()) found.memory_heaps = remembered.memory_heaps;
    const auto bytes = [](const DeviceOffer& offer) { return look_bytes({{}, {}, {}, {offer}}); };
    return bytes(found) == bytes(remembered);
}

} // namespace

bool can_open_late(const DeviceOffer& offer, const DevicePlan& plan) {
    const DeviceCaps& caps = plan.caps;
    const std::uint64_t import = caps.limits.host_import_alignment;
    return plan.usable && plan.queue_count == 1 && offer.memory_heaps.size() == 1 && caps.host_kernels && caps.shaders &&
           caps.host_import && import > 0 && kPage % import == 0 && caps.timestamps && caps.timestamp_bits == 64 &&
           caps.limits.timestamp_period_ns == 1.0F;
}

std::optional<std::vector<DeviceOffer>> late_offers() {
    const PlanEnvironment environment = PlanEnvironment::from_process();
    if (asks_for_look(environment) || environment.disables("host_kernels") || !environment.unknown().empty() || !environment.profile.empty()) return std::nullopt;
    std::optional<std::vector<DeviceOffer>> offers = last_look();
    if (!offers || offers->empty()) return std::nullopt;
    try {
        const DeviceOffer& first = offers->at(choose_device(*offers, device_wish()));
        return can_open_late(first, plan_device(first, environment)) ? std::move(offers) : std::nullopt;
    } catch (const InvalidArgument&) {
        return std::nullopt; // a wish that no remembered device meets: look again, and say what there is
    }
}

PhysicalDevice looked_device(const DeviceOffer& remembered) {
    std::string why = Instance::looked().absence();
    if (why.empty()) {
        std::vector<PhysicalDevice> found = look_at_devices();
        const auto same = std::ranges::find_if(found, [&](const PhysicalDevice& device) { return same_device(device.offer, remembered); });
        if (same != found.end()) return std::move(*same);
        why = "Its driver answers differently now.";
    }
    forget_look();
    throw DeviceUnavailable(text("A shader needs the driver of ", remembered.name, ", which is not as it was found earlier: ", why,
                                 " What was remembered of it is forgotten: start the program again."));
}

} // namespace tensorvk::vulkan
