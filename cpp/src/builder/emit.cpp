#include "builder/emit.hpp"

#include <algorithm>

#include "compiler/schedule.hpp"

namespace tensorvk::builder {

namespace {

//! What was measured, else what was estimated, of a GPU. The steps of others run one after the other.
float microseconds_of(const Choice& choice, const vulkan::DeviceCaps& caps) {
    if (caps.is_cpu) return 0.0f;
    const auto report = std::ranges::find(choice.reports, choice.candidate.name, &CandidateReport::name);
    const bool timed = report != choice.reports.end() && report->milliseconds > 0.0f;
    return timed ? report->milliseconds * 1e3f : static_cast<float>(choice.candidate.estimate);
}

} // namespace

Emitted emit(const compiler::Compiled& network, const vulkan::DeviceCaps& caps, const Choose& choose) {
    Emitted out;
    out.program = network.program;
    std::vector<compiler::StepRange> ranges;
    tactics::Lowering lowering(out.program, network.values, caps);
    for (const tactics::Operation& operation : network.operations) {
        Choice choice = choose(network, operation);
        const std::size_t first = out.program.steps.size();
        choice.candidate.lower(lowering);
        const std::size_t last = out.program.steps.size();
        const std::int32_t base = first < last ? out.program.steps[first].group : 0;
        for (std::size_t i = first; i < last; ++i) { // relative to the operation's first step; the schedule places it
            out.program.steps[i].group -= base;
        }
        ranges.push_back({first, last, microseconds_of(choice, caps)});
        out.choices.push_back(std::move(choice));
    }
    compiler::schedule(out.program, ranges);
    for (const compiler::Compiled& body : network.bodies) {
        Emitted inner = emit(body, caps, choose);
        out.program.bodies.push_back(std::move(inner.program));
        out.bodies.push_back(std::move(inner));
    }
    return out;
}

} // namespace tensorvk::builder
