#include "builder/prefetch.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tactics/step_builder.hpp"

namespace tensorvk::builder {

namespace {

constexpr std::int32_t kInvocations = 128, kEach = 8; // 16 KiB a workgroup: those of some MiB keep all processors busy for an instant
constexpr std::int64_t kUnit = 16, kGroupBytes = kInvocations * kEach * kUnit;
constexpr std::int64_t kWorthIt = 64 << 10; // less is there at once
constexpr std::int64_t kMost = 24 << 20;    // more would not stay until it is needed
// A dispatch costs about half a microsecond however little it does: one reads several buffers (as many as prefetch/words binds), but not so many that the next
// group waits for them.
constexpr std::size_t kTogether = 6;
constexpr std::int64_t kTogetherBytes = 5 << 20;

//! Weights that a group reads.
struct Need {
    std::int32_t group, buffer;
    std::int64_t bytes;
    std::string layer;
};

//! Reads all of its weights, unlike a gather, whose table may be most of a network.
bool multiplies(const plan::Step& step) {
    return !step.host && (step.kernel.starts_with("convolution/") || step.kernel.starts_with("matrix/") || step.kernel.starts_with("quantized/"));
}

//! In the order of groups, each buffer where it is read first. Nothing can run beside a host step, nor before the first group.
std::vector<Need> needs_of(const plan::Program& program, const std::set<std::int32_t>& alone) {
    std::vector<Need> needs;
    std::set<std::int32_t> seen;
    for (const plan::Step& step : program.steps) {
        if (!multiplies(step)) continue;
        for (const plan::Binding& binding : step.bindings) {
            const plan::Buffer& buffer = program.buffers[static_cast<std::size_t>(binding.buffer)];
            const bool weights = buffer.kind == plan::BufferKind::kCONSTANT || buffer.kind == plan::BufferKind::kDERIVED;
            const std::int64_t bytes = program.exprs.value(buffer.bytes).value_or(0);
            if (!weights || bytes < kWorthIt || bytes > kMost || !seen.insert(binding.buffer).second) continue;
            if (!alone.contains(step.group - 1)) needs.push_back({step.group, binding.buffer, bytes, step.layer});
        }
    }
    return needs;
}

//! How many of `needs` one step reads, which runs before the first of them.
std::size_t together(std::span<const Need> needs, const std::set<std::int32_t>& alone) {
    std::size_t count = 0;
    std::int64_t bytes = 0;
    for (const Need& need : needs.first(std::min(needs.size(), kTogether))) {
        bytes += need.bytes;
        const auto host_step = alone.lower_bound(needs.front().group);
        const bool parted = host_step != alone.end() && *host_step < need.group;
        if (count > 0 && (bytes > kTogetherBytes || parted)) break;
        ++count;
    }
    return count;
}

plan::Step read_ahead(tactics::Lowering& lowering, std::span<const Need> needs) {
    tactics::StepBuilder step(lowering, needs.front().layer, "prefetch/words:u32");
    std::int64_t groups = 0;
    step.specialize(false).writes(lowering.scratch(lowering.exprs().constant(kUnit)));
    for (std::size_t i = 0; i < kTogether; ++i) {
        const Need& need = needs[std::min(i, needs.size() - 1)];
        const std::int64_t bytes = i < needs.size() ? need.bytes : 0;
        step.param(bytes / kUnit).reads(need.buffer);
        groups += (bytes + kGroupBytes - 1) / kGroupBytes;
    }
    step.local_size(kInvocations).flat_groups(lowering.exprs().constant(groups)).geometry(0, kEach);
    return step.take();
}

} // namespace

void add_prefetches(plan::Program& program, const vulkan::DeviceCaps& caps) {
    std::set<std::int32_t> alone{-1}; // groups of host steps, and what is before the first one
    for (const plan::Step& step : program.steps) {
        if (step.host) alone.insert(step.group);
    }
    const std::vector<Need> needs = needs_of(program, alone);
    tactics::Lowering lowering(program, {}, caps);
    for (std::span<const Need> rest = needs; !rest.empty();) {
        const std::size_t count = together(rest, alone);
        lowering.add(read_ahead(lowering, rest.first(count)));
        program.steps.back().group = rest.front().group - 1;
        rest = rest.subspan(count);
    }
    std::ranges::stable_sort(program.steps, {}, &plan::Step::group);
}

} // namespace tensorvk::builder
