#include "builder/prefetch.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "tactics/step_builder.hpp"

namespace tensorvk::builder {

namespace {

constexpr std::int32_t kInvocations = 256, kEach = 8;
constexpr std::int64_t kUnit = 16, kGroupBytes = kInvocations * kEach * kUnit;
constexpr std::int64_t kWorthIt = 64 << 10; // smaller ones are there at once

} // namespace

void add_prefetches(plan::Program& program, const vulkan::DeviceCaps& caps) {
    std::map<std::int32_t, std::set<std::int32_t>> wanted; // buffers by the group that reads them
    for (const plan::Step& step : program.steps) {
        for (const plan::Binding& binding : step.bindings) {
            const plan::Buffer& buffer = program.buffers[static_cast<std::size_t>(binding.buffer)];
            const bool weights = buffer.kind == plan::BufferKind::kCONSTANT || buffer.kind == plan::BufferKind::kDERIVED;
            if (weights && !binding.written && step.group > 0 && program.exprs.value(buffer.bytes).value_or(0) >= kWorthIt) wanted[step.group].insert(binding.buffer);
        }
    }
    tactics::Lowering lowering(program, {}, caps);
    const std::int32_t never = lowering.scratch(program.exprs.constant(kUnit));
    for (const auto& [group, buffers] : wanted) {
        for (const std::int32_t buffer : buffers) {
            const std::int64_t bytes = *program.exprs.value(program.buffers[static_cast<std::size_t>(buffer)].bytes);
            tactics::StepBuilder step(lowering, "prefetch", "prefetch/words:u32");
            step.local_size(kInvocations).flat_groups(program.exprs.constant((bytes + kGroupBytes - 1) / kGroupBytes)).param(bytes / kUnit).geometry(0, kEach);
            step.reads(buffer).writes(never);
            lowering.add(step.take());
            program.steps.back().group = group - 1;
        }
    }
    std::ranges::stable_sort(program.steps, {}, &plan::Step::group);
}

} // namespace tensorvk::builder
