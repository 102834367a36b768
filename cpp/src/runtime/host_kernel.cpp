#include "runtime/host_kernel.hpp"

#include <algorithm>

#include "support/error.hpp"

namespace tensorvk::runtime {

std::vector<StepRange> step_ranges(std::span<const plan::Step> steps) {
    std::vector<StepRange> ranges;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const bool host = kernels::cpu::is_cpu_kernel(steps[i].kernel);
        if (ranges.empty() || ranges.back().host != host) ranges.push_back({host, i, i});
        ranges.back().last = i + 1;
    }
    return ranges;
}

std::vector<HostKernel> find_host_kernels(std::span<const plan::Step> steps) {
    std::vector<HostKernel> kernels(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (!kernels::cpu::is_cpu_kernel(steps[i].kernel)) continue;
        kernels[i] = {kernels::cpu::find(steps[i].kernel), std::make_unique<kernels::cpu::Keep>()};
    }
    return kernels;
}

kernels::cpu::Run prepare_host_kernel(const plan::Program& program, const plan::Step& step, const HostKernel& kernel,
                                      std::span<const std::int64_t> values, std::span<const vulkan::BufferView> views) {
    std::vector<std::int64_t> params;
    for (const shape::Expr param : step.params) {
        params.push_back(values[static_cast<std::size_t>(param.id)]);
    }
    std::vector<std::span<std::byte>> bindings;
    for (const plan::Binding& binding : step.bindings) {
        const vulkan::BufferView& view = views[static_cast<std::size_t>(binding.buffer)];
        if (view.buffer->mapped() == nullptr) {
            throw Unsupported(text("Layer '", step.layer, "' runs on the host, and tensor '",
                                   program.buffers[static_cast<std::size_t>(binding.buffer)].name,
                                   "' is in memory that the host cannot reach."));
        }
        bindings.emplace_back(view.buffer->mapped() + view.offset, view.size);
    }
    return kernel.kernel->prepare({step, params, bindings, *kernel.keep});
}

bool runs_on_host(const plan::Program& program) {
    const auto on_host = [](const plan::Step& step) { return step.host != nullptr || kernels::cpu::is_cpu_kernel(step.kernel); };
    return std::ranges::all_of(program.init, on_host) && std::ranges::all_of(program.steps, on_host) &&
           std::ranges::all_of(program.bodies, runs_on_host);
}

} // namespace tensorvk::runtime
