// Weights on their way into the device's cache before they are needed.
#pragma once

#include "plan/program.hpp"
#include "tactics/family.hpp"

namespace tensorvk::builder {

//! Beside each barrier group, steps that read the weights of the next one. A small batch leaves most of a GPU idle and waits for memory in each layer; a
//! network whose weights do not stay in the cache from one inference to the next waits longest.
void add_prefetches(plan::Program& program, const vulkan::DeviceCaps& caps);

} // namespace tensorvk::builder
