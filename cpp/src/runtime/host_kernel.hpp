// Steps that are functions of this library, as a loaded program holds them.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/cpu/kernel.hpp"
#include "vulkan/buffer.hpp"

namespace tensorvk::runtime {

//! Steps that run as one piece of work: dispatches, or host kernels.
struct StepRange {
    bool host = false;
    std::size_t first = 0, last = 0;

    bool operator==(const StepRange&) const = default;
};

//! The steps in order, cut where the host takes over from the device or back.
[[nodiscard]] std::vector<StepRange> step_ranges(std::span<const plan::Step> steps);

struct HostKernel {
    const kernels::cpu::Kernel* kernel = nullptr; // null: a dispatch
    std::unique_ptr<kernels::cpu::Keep> keep;
};

//! By step; null where a step is a dispatch.
[[nodiscard]] std::vector<HostKernel> find_host_kernels(std::span<const plan::Step> steps);

//! The work of `step`, with `values` by expression and `views` by buffer. Throws Unsupported where the host cannot reach a buffer.
[[nodiscard]] kernels::cpu::Run prepare_host_kernel(const plan::Program& program, const plan::Step& step, const HostKernel& kernel,
                                                    std::span<const std::int64_t> values, std::span<const vulkan::BufferView> views);

//! Whether nothing but the host computes: such a program runs on every device whose memory is the host's.
[[nodiscard]] bool runs_on_host(const plan::Program& program);

} // namespace tensorvk::runtime
