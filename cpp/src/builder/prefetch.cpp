#include "builder/prefetch.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tactics/step_builder.hpp"

namespace tensorvk::builder {

namespace {

constexpr std::int32_t kInvocations = 128, kEach = 8; // 16 KiB a workgroup: those of some MiB keep all processors busy for an instant
constexpr std::int64_t kUnit = 16, kGroupBytes = kInvocations * kEach * kUnit;
constexpr std::int64_t kWorthIt = 64 << 10; // less is there at once
constexpr std::int64_t kMost = 24 << 20;    // more would not stay until it is needed

//! Reads all of its weights, unlike a gather, whose table may be most of a network.
bool multiplies(const plan::Step& step) {
    return !step.host && (step.kernel.starts_with("convolution/") || step.kernel.starts_with("matrix/") || step.kernel.starts_with("quantized/"));
}

} // namespace

void add_prefetches(plan::Program& program, const vulkan::DeviceCaps& caps) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::string> wanted; // by group and buffer: the layer that reads it there
    std::set<std::int32_t> alone{-1};                                    // groups of host steps, and what is before the first one
    for (const plan::Step& step : program.steps) {
        if (step.host) alone.insert(step.group);
    }
    for (const plan::Step& step : program.steps) {
        if (alone.contains(step.group - 1) || !multiplies(step)) continue;
        for (const plan::Binding& binding : step.bindings) {
            const plan::Buffer& buffer = program.buffers[static_cast<std::size_t>(binding.buffer)];
            const bool weights = buffer.kind == plan::BufferKind::kCONSTANT || buffer.kind == plan::BufferKind::kDERIVED;
            const std::int64_t bytes = program.exprs.value(buffer.bytes).value_or(0);
            if (weights && bytes >= kWorthIt && bytes <= kMost && !binding.written) wanted.emplace(std::pair{step.group, binding.buffer}, step.layer);
        }
    }
    tactics::Lowering lowering(program, {}, caps);
    for (const auto& [place, layer] : wanted) {
        const auto [group, buffer] = place;
        const std::int64_t bytes = program.exprs.value(program.buffers[static_cast<std::size_t>(buffer)].bytes).value();
        tactics::StepBuilder step(lowering, layer, "prefetch/words:u32");
        step.local_size(kInvocations).flat_groups(lowering.exprs().constant((bytes + kGroupBytes - 1) / kGroupBytes)).param(bytes / kUnit).geometry(0, kEach);
        step.reads(buffer).writes(lowering.scratch(lowering.exprs().constant(kUnit)));
        lowering.add(step.take());
        program.steps.back().group = group - 1;
    }
    std::ranges::stable_sort(program.steps, {}, &plan::Step::group);
}

} // namespace tensorvk::builder
