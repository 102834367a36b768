// Weights on their way into the device's cache before they are needed.
#pragma once

#include "plan/program.hpp"
#include "vulkan/device_plan.hpp"

namespace tensorvk::builder {

//! Beside barrier groups, steps that read the large weights of the next ones, some at a time, under the name of the first layer that needs them. A small batch
//! leaves most of a GPU idle and waits for memory in each layer, unless the weights are still in the cache from the last inference; a large one does not notice.
void add_prefetches(plan::Program& program, const vulkan::DeviceCaps& caps);

} // namespace tensorvk::builder
