#include "builder/emit.hpp"

#include "compiler/schedule.hpp"

namespace tensorvk::builder {

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
        ranges.push_back({first, last});
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
