#include "runtime/submissions.hpp"

#include <algorithm>

namespace tensorvk::runtime {

using std::chrono::nanoseconds;

std::vector<StepRange> group_ranges(std::span<const plan::Step> steps) {
    std::vector<StepRange> groups;
    for (const StepRange& range : step_ranges(steps)) {
        for (std::size_t i = range.first; i < range.last; ++i) {
            if (i == range.first || (!range.host && steps[i].group != steps[i - 1].group)) groups.push_back({range.host, i, i});
            groups.back().last = i + 1;
        }
    }
    return groups;
}

void join(std::span<const TimedSteps> groups, nanoseconds limit, std::vector<StepRange>& joined) {
    joined.clear();
    std::optional<nanoseconds> sum; // of the last one; nothing: it takes no more
    for (const TimedSteps& group : groups) {
        const bool fits = sum && group.time && !group.steps.host && *sum + *group.time <= limit;
        if (fits) {
            joined.back().last = group.steps.last;
            *sum += *group.time;
        } else {
            joined.push_back(group.steps);
            sum = group.steps.host ? std::nullopt : group.time;
        }
    }
}

std::vector<TimedSteps>& GroupTimes::of(std::span<const std::int64_t> symbols) {
    if (const auto found = times_.find(symbols); found != times_.end()) return found->second;
    if (times_.size() == kMostShapes) times_.clear(); // they are measured again, in small parts
    std::vector<TimedSteps>& unmeasured = times_[std::vector(symbols.begin(), symbols.end())];
    for (const StepRange& steps : groups_) unmeasured.push_back({steps});
    return unmeasured;
}

void GroupTimes::set(TimedSteps& group, nanoseconds time) {
    group.time = time;
    ++version_;
}

void GroupTimes::learn(std::span<const std::int64_t> symbols, const StepRange& steps, nanoseconds took) {
    std::vector<TimedSteps>& all = of(symbols);
    const auto first = std::ranges::find(all, steps.first, [](const TimedSteps& group) { return group.steps.first; });
    const auto last = std::find_if(first, all.end(), [&](const TimedSteps& group) { return group.steps.first >= steps.last; });
    if (last - first == 1) {
        if (!first->time || took > *first->time) set(*first, took);
        return;
    }
    nanoseconds sum{0};
    for (auto group = first; group != last; ++group) sum += group->time.value_or(nanoseconds(0));
    if (sum.count() == 0 || took <= sum) return;
    const double slower = static_cast<double>(took.count()) / static_cast<double>(sum.count());
    for (auto group = first; group != last; ++group) {
        if (group->time) set(*group, nanoseconds(static_cast<std::int64_t>(static_cast<double>(group->time->count()) * slower)));
    }
}

const std::vector<StepRange>& GroupTimes::submissions(std::span<const std::int64_t> symbols, nanoseconds limit) {
    join(of(symbols), limit, cut_);
    return cut_;
}

} // namespace tensorvk::runtime
