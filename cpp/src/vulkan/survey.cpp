#include "vulkan/survey.hpp"

#include "support/error.hpp"
#include "vulkan/physical_device.hpp"

namespace tensorvk::vulkan {
namespace {

std::vector<std::string> layer_names(const GlobalFunctions& fn) {
    std::uint32_t count = 0;
    if (fn.EnumerateInstanceLayerProperties(&count, nullptr) != VK_SUCCESS) return {};
    std::vector<VkLayerProperties> layers(count);
    if (fn.EnumerateInstanceLayerProperties(&count, layers.data()) != VK_SUCCESS) return {};
    std::vector<std::string> names;
    for (const VkLayerProperties& layer : layers) names.emplace_back(layer.layerName);
    return names;
}

// The loader is worth a look also where it leads to no device.
void describe_loader(Survey& result) {
    try {
        const Loader& opened = loader();
        result.loader = opened.library;
        if (opened.fn.EnumerateInstanceVersion != nullptr) opened.fn.EnumerateInstanceVersion(&result.loader_version);
        result.layers = layer_names(opened.fn);
    } catch (const DeviceUnavailable&) {
        return; // the instance says why
    }
}

void fill(Survey& result) {
    const PlanEnvironment environment = PlanEnvironment::from_process();
    if (!environment.disables("vulkan")) describe_loader(result);
    const Instance& instance = Instance::looked(); // who asks wants to know what is there now
    result.validating = instance.validating();
    result.problem = instance.absence();
    result.vulkan = result.problem.empty();
    for (const PhysicalDevice& device : numbered(look_at_devices())) {
        result.devices.push_back({device.offer, plan_device(device.offer, environment)});
    }
}

} // namespace

Survey survey() {
    Survey result;
    try {
        fill(result);
    } catch (const Error& e) {
        result.problem = e.what();
    }
    return result;
}

} // namespace tensorvk::vulkan
