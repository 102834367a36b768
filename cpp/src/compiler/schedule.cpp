#include "compiler/schedule.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace tensorvk::compiler {

namespace {

//! First group in which a buffer may be read. Writes look nothing up here, so that the parts of a concatenation do not wait for each other.
using ReadyAt = std::map<std::int32_t, std::int32_t>;

std::int32_t start_of(const plan::Program& program, const StepRange& range, const ReadyAt& ready, std::int32_t floor) {
    std::int32_t start = floor;
    for (std::size_t i = range.first; i < range.last; ++i) {
        for (const plan::Binding& binding : program.steps[i].bindings) {
            const auto it = ready.find(program.holder(binding.buffer));
            if (!binding.written && it != ready.end()) {
                start = std::max(start, it->second - program.steps[i].group);
            }
        }
    }
    return start;
}

void sort_steps(plan::Program& program, std::span<const StepRange> operations) {
    std::vector<float> microseconds(program.steps.size(), 0.0f);
    for (const StepRange& range : operations) {
        std::ranges::fill(std::span(microseconds).subspan(range.first, range.last - range.first), range.microseconds);
    }
    std::vector<std::size_t> order(program.steps.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return std::pair(program.steps[i].group, -microseconds[i]); });
    std::vector<plan::Step> sorted;
    for (const std::size_t i : order) sorted.push_back(std::move(program.steps[i]));
    program.steps = std::move(sorted);
}

} // namespace

void schedule(plan::Program& program, std::span<const StepRange> operations) {
    ReadyAt ready;
    std::int32_t floor = 0; // nothing moves before the latest host step
    std::int32_t end = 0;   // first group that nobody is in yet
    for (const StepRange& range : operations) {
        const bool host = range.first < range.last && program.steps[range.first].host;
        const std::int32_t start = host ? end : start_of(program, range, ready, floor);
        for (std::size_t i = range.first; i < range.last; ++i) {
            program.steps[i].group += start;
            end = std::max(end, program.steps[i].group + 1);
        }
        floor = host ? end : floor;
        for (std::size_t i = range.first; i < range.last; ++i) {
            for (const plan::Binding& binding : program.steps[i].bindings) {
                if (binding.written) {
                    std::int32_t& at = ready[binding.buffer];
                    at = std::max(at, program.steps[i].group + 1);
                }
            }
        }
    }
    sort_steps(program, operations);
    std::int32_t next = -1;
    std::int32_t last = -1;
    for (plan::Step& step : program.steps) { // without gaps
        if (step.group != last) {
            last = step.group;
            ++next;
        }
        step.group = next;
    }
}

} // namespace tensorvk::compiler
