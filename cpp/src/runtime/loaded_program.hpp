// What is inside a LoadedProgram; Execution reads it.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "plan/segments.hpp"
#include "runtime/executor.hpp"
#include "runtime/host_kernel.hpp"
#include "runtime/pipelines.hpp"
#include "runtime/weights.hpp"

namespace tensorvk::runtime {

struct LoadedProgram::State {
    std::shared_ptr<vulkan::Device> device;
    std::shared_ptr<const plan::Program> program;
    std::vector<Slice> weights;              // by buffer
    Pipelines pipelines;                     // by step, null for host kernels; none with host steps
    std::vector<HostKernel> host_kernels; // by step
    std::vector<StepRange> ranges;        // all steps
    [[nodiscard]] bool has_host_kernels() const noexcept { return std::ranges::any_of(ranges, &StepRange::host); }
    std::shared_ptr<vulkan::Buffer> nothing; // bound where a kernel wants a buffer and the tensor is empty
    // With host steps alone:
    std::span<const std::byte> plan_weights; // the plan's; the engine keeps them
    std::vector<plan::Segment> segments;
    std::vector<std::shared_ptr<LoadedProgram>> segment_programs; // by segment; null for host steps
    std::vector<std::shared_ptr<LoadedProgram>> bodies;
};

} // namespace tensorvk::runtime
