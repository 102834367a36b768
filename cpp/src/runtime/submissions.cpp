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

std::vector<StepRange> join(std::span<const TimedSteps> groups, nanoseconds limit) {
    std::vector<StepRange> joined;
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
    return joined;
}

std::vector<TimedSteps> GroupTimes::unmeasured() const {
    std::vector<TimedSteps> groups;
    for (const StepRange& steps : groups_) groups.push_back({steps});
    return groups;
}

std::vector<TimedSteps>& GroupTimes::of(std::span<const std::int64_t> symbols) {
    const std::vector<std::int64_t> key(symbols.begin(), symbols.end());
    if (const auto found = times_.find(key); found != times_.end()) return found->second;
    if (times_.size() == kMostShapes) times_.clear(); // they are measured again, in small parts
    return times_.emplace(key, unmeasured()).first->second;
}

void GroupTimes::learn(std::span<const std::int64_t> symbols, const StepRange& steps, nanoseconds took) {
    std::vector<TimedSteps>& all = of(symbols);
    const auto first = std::ranges::find(all, steps.first, [](const TimedSteps& group) { return group.steps.first; });
    const auto last = std::find_if(first, all.end(), [&](const TimedSteps& group) { return group.steps.first >= steps.last; });
    if (last - first == 1) {
        first->time = std::max(took, first->time.value_or(nanoseconds(0)));
        return;
    }
    nanoseconds sum{0};
    for (auto group = first; group != last; ++group) sum += group->time.value_or(nanoseconds(0));
    if (sum.count() == 0 || took <= sum) return;
    const double slower = static_cast<double>(took.count()) / static_cast<double>(sum.count());
    for (auto group = first; group != last; ++group) {
        if (group->time) *group->time = nanoseconds(static_cast<std::int64_t>(static_cast<double>(group->time->count()) * slower));
    }
}

std::vector<StepRange> GroupTimes::submissions(std::span<const std::int64_t> symbols, nanoseconds limit) const {
    const auto found = times_.find(std::vector<std::int64_t>(symbols.begin(), symbols.end()));
    return join(found == times_.end() ? unmeasured() : found->second, limit);
}

} // namespace tensorvk::runtime
