#include "runtime/pipelines.hpp"

#include <algorithm>

#include "kernels/catalogue.hpp"
#include "kernels/cpu/kernel.hpp"
#include "kernels/host/functions.hpp"
#include "kernels/used_cases.hpp"
#include "runtime/control.hpp"
#include "support/error.hpp"
#include "support/parallel_for.hpp"
#include "vulkan/pipeline_cache.hpp"

namespace tensorvk::runtime {
namespace {

//! Drivers that take a larger workgroup than they offer lose the device with it.
void check_workgroup(const vulkan::Device& device, const plan::Step& step) {
    if (!device.caps().shaders) return; // which will be said
    constexpr std::uint64_t kTooMany = std::uint64_t{1} << 32;
    std::uint64_t invocations = 1;
    for (const plan::SpecConstant& constant : step.spec) {
        if (constant.id < plan::kSpecLocalSize + 3) invocations = std::min(invocations * static_cast<std::uint32_t>(constant.value), kTooMany);
    }
    const std::uint32_t most = device.caps().limits.max_workgroup_invocations;
    if (invocations == 0 || invocations > most) {
        throw InvalidArgument(text("Kernel '", step.kernel, "' has workgroups of ", invocations, " invocations, this device allows 1 to ", most, "."));
    }
}

void ask_for_subgroups(const vulkan::Device& device, std::uint32_t size, vulkan::PipelineDesc& desc) {
    const vulkan::DeviceCaps& caps = device.caps();
    if (size == 0) return;
    if (caps.min_subgroup_size != caps.max_subgroup_size) {
        desc.required_subgroup_size = size;
        desc.full_subgroups = true;
    } else if (caps.subgroup_size != size) { // there is nothing to ask for
        throw InvalidArgument(text("Kernel '", desc.name, "' is made for subgroups of ", size, ", this device's have ", caps.subgroup_size, ": build the plan on it."));
    }
}

std::shared_ptr<const vulkan::Pipeline> make_pipeline(vulkan::Device& device, const plan::Step& step) {
    check_workgroup(device, step);
    std::vector<vulkan::SpecConstant> constants;
    constants.reserve(step.spec.size());
    for (const plan::SpecConstant& constant : step.spec) {
        constants.push_back({constant.id, static_cast<std::uint32_t>(constant.value)});
    }
    vulkan::PipelineDesc desc;
    const kernels::Kernel kernel = kernels::find(step.kernel);
    const std::vector<std::uint32_t> code = kernels::keep_used_cases(kernel.spirv, step.spec);
    desc.spirv = code;
    desc.constants = constants;
    desc.bindings = static_cast<std::uint32_t>(step.bindings.size());
    desc.push_constant_bytes = kPushBytes;
    desc.name = step.kernel;
    ask_for_subgroups(device, kernel.subgroup_size, desc);
    return device.pipelines().get(desc);
}

[[noreturn]] void refuse_layer(const vulkan::Device& device, const plan::Step& step, const Error& error) {
    throw Unsupported(text("Layer '", step.layer, "' cannot run on ", device.offer().name, ": ", error.what()));
}

void check_host_function(const plan::Step& step) {
    const std::string& name = step.host->function;
    if (name != plan::kReadValues && find_control(name) == nullptr && kernels::host::find_function(name) == nullptr) {
        throw InvalidPlan(text("Layer '", step.layer, "' of the plan needs the host function '", name,
                               "', which this TensorVK does not have: rebuild the plan or update TensorVK."));
    }
}

void check_cpu_kernel(const plan::Step& step) {
    const kernels::cpu::Kernel* kernel = kernels::cpu::find(step.kernel);
    if (kernel == nullptr) {
        throw InvalidPlan(text("Layer '", step.layer, "' of the plan needs kernel '", step.kernel,
                               "', which this TensorVK does not have (it was built without oneDNN, or is of another version): rebuild the plan."));
    }
    if (step.kernel_hash != 0 && step.kernel_hash != kernel->version) {
        throw InvalidPlan(text("Layer '", step.layer, "' of the plan was built with another version of kernel '", step.kernel,
                               "' than this TensorVK has: rebuild the plan."));
    }
}

} // namespace

void check_kernels(std::span<const plan::Step> steps) {
    for (const plan::Step& step : steps) {
        if (step.host) {
            check_host_function(step);
            continue;
        }
        if (kernels::cpu::is_cpu_kernel(step.kernel)) {
            check_cpu_kernel(step);
            continue;
        }
        if (!kernels::contains(step.kernel)) {
            throw InvalidPlan(text("Layer '", step.layer, "' of the plan needs kernel '", step.kernel,
                                   "', which this TensorVK does not have: rebuild the plan or update TensorVK."));
        }
        const kernels::Kernel kernel = kernels::find(step.kernel);
        if (step.kernel_hash != 0 && step.kernel_hash != kernel.content_hash) { // 0: any version
            throw InvalidPlan(text("Layer '", step.layer, "' of the plan was built with another version of kernel '",
                                   step.kernel, "' than this TensorVK has: rebuild the plan."));
        }
        if (step.bindings.size() < kernel.bindings) {
            throw InvalidPlan(text("Layer '", step.layer, "' of the plan binds ", step.bindings.size(),
                                   " buffers to kernel '", step.kernel, "', which takes ", kernel.bindings,
                                   ": rebuild the plan."));
        }
    }
}

Pipelines make_pipelines(const std::shared_ptr<vulkan::Device>& device, std::span<const plan::Step> steps) {
    Pipelines pipelines(steps.size());
    std::vector<std::size_t> dispatches;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (!kernels::cpu::is_cpu_kernel(steps[i].kernel)) dispatches.push_back(i);
    }
    if (dispatches.empty()) return pipelines;
    parallel_for(dispatches.size(), [&](std::size_t dispatch) {
        const std::size_t i = dispatches[dispatch];
        try {
            pipelines[i] = make_pipeline(*device, steps[i]);
        } catch (const InvalidArgument& error) {
            refuse_layer(*device, steps[i], error);
        } catch (const Unsupported& error) {
            refuse_layer(*device, steps[i], error);
        }
    });
    device->pipelines().save();
    return pipelines;
}

std::vector<std::string> try_pipelines(const std::shared_ptr<vulkan::Device>& device, std::span<const plan::Step> steps) {
    std::vector<std::string> refusals(steps.size());
    parallel_for(steps.size(), [&](std::size_t i) {
        if (steps[i].host || kernels::cpu::is_cpu_kernel(steps[i].kernel)) return;
        try {
            (void)make_pipeline(*device, steps[i]);
        } catch (const InvalidArgument& error) {
            refusals[i] = error.what();
        } catch (const Unsupported& error) {
            refusals[i] = error.what();
        } catch (const InternalError& error) { // an answer of the driver that no specification foresees
            refusals[i] = error.what();
        }
    });
    return refusals;
}

} // namespace tensorvk::runtime
