// Machines without Vulkan.
#pragma once

#include "support/log.hpp"

namespace tensorvk::vulkan {

//! Says, once per process, that networks run on the host alone and why, where they do.
void say_absence(LogSink& log);

} // namespace tensorvk::vulkan
