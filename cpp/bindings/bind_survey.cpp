// tensorvk._core.cudart.survey: what the system offers, as dictionaries for `tensorvk doctor`.
#include <string>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "builder/shipped_timings.hpp"
#include "gil.hpp"
#include "kernels/cpu/component.hpp"
#include "support/error.hpp"
#include "vulkan/survey.hpp"

namespace py = pybind11;

namespace tensorvk::bindings {
namespace {

std::string version_text(std::uint32_t packed) {
    return text(packed >> 22 & 0x7F, ".", packed >> 12 & 0x3FF, ".", packed & 0xFFF);
}

py::dict limits_of(const vulkan::DeviceLimits& limits, bool shaders) {
    py::dict result;
    result["storage range per binding"] = limits.max_storage_range;
    result["storage offset alignment"] = limits.storage_offset_alignment;
    result["one allocation"] = limits.max_allocation;
    if (!shaders) return result;
    result["storage bindings"] = limits.max_storage_bindings;
    result["push constants"] = limits.max_push_constant_bytes;
    result["shared memory"] = limits.max_shared_memory;
    result["workgroup invocations"] = limits.max_workgroup_invocations;
    return result;
}

py::dict describe(const vulkan::DeviceSurvey& device) {
    const vulkan::DeviceOffer& offer = device.offer;
    py::dict result;
    result["name"] = offer.name;
    result["type"] = vulkan::to_string(offer.type);
    result["vulkan"] = version_text(offer.api_version);
    result["driver"] = offer.driver_info.empty() ? offer.driver_name : text(offer.driver_name, " ", offer.driver_info);
    result["timing_cache"] = builder::shipped_timings_name(offer);
    result["memory"] = device.plan.caps.device_memory;
    result["subgroup_size"] = device.plan.usable ? device.plan.caps.subgroup_size : offer.subgroup_size;
    result["usable"] = device.plan.usable;
    result["shaders"] = device.plan.caps.shaders;
    result["why_not"] = device.plan.why_not;
    result["limits"] = limits_of(device.plan.usable ? device.plan.caps.limits : offer.limits, device.plan.caps.shaders);
    py::list features;
    for (const vulkan::PlanNote& note : device.plan.notes)
        features.append(py::make_tuple(note.feature, note.used, note.why));
    result["features"] = features;
    return result;
}

py::dict survey() {
    vulkan::Survey found;
    {
        const GilRelease release;
        found = vulkan::survey();
    }
    py::dict result;
    result["loader"] = found.loader;
    result["problem"] = found.problem;
    result["vulkan"] = found.vulkan;
    result["loader_version"] = version_text(found.loader_version);
    result["layers"] = found.layers;
    result["validating"] = found.validating;
    const kernels::cpu::Component& component = kernels::cpu::component();
    const auto& [major, minor, patch] = component.library_version;
    result["host_library"] = component.kernels.empty() ? "" : text(component.library, " ", major, ".", minor, ".", patch);
    result["host_library_absence"] = kernels::cpu::component_absence();
    py::list devices;
    for (const vulkan::DeviceSurvey& device : found.devices) devices.append(describe(device));
    result["devices"] = devices;
    return result;
}

} // namespace

void bind_survey(py::module_& m) {
    m.def("survey", survey, "What the system offers; never raises for a missing loader or driver.");
}

} // namespace tensorvk::bindings
