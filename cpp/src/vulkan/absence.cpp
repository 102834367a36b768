#include "vulkan/absence.hpp"

#include <atomic>

#include "support/error.hpp"
#include "vulkan/device_plan.hpp"
#include "vulkan/host_driver/entry_points.hpp"
#include "vulkan/instance.hpp"

namespace tensorvk::vulkan {

void say_absence(LogSink& log) {
    static std::atomic<bool> said{false};
    const std::string& why = Instance::get().absence();
    if (why.empty() || said.exchange(true)) return;
    const bool wanted = PlanEnvironment::from_process().disables("vulkan");
    log.log(wanted ? Severity::kINFO : Severity::kWARNING,
            text(why, " Networks run on '", host_driver::kDeviceName,
                 "', by functions of the host alone; what needs a shader is refused."));
}

} // namespace tensorvk::vulkan
