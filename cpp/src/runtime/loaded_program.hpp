// What is inside a LoadedProgram; Execution reads it.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/cpu/kernel.hpp"
#include "plan/segments.hpp"
#include "runtime/executor.hpp"
#include "runtime/pipelines.hpp"
#include "runtime/weights.hpp"

namespace tensorvk::runtime {

//! Steps that run as one piece of work: dispatches, or host kernels.
struct StepRange {
    bool host = false;
    std::size_t first = 0, last = 0;
};

struct LoadedProgram::State {
    std::shared_ptr<vulkan::Device> device;
    std::shared_ptr<const plan::Program> program;
    std::vector<Slice> weights;              // by buffer
    Pipelines pipelines;                     // by step, null for host kernels; none with host steps
    struct HostKernel {
        const kernels::cpu::Kernel* kernel = nullptr; // null: a dispatch
        std::unique_ptr<kernels::cpu::Keep> keep;
    };
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
