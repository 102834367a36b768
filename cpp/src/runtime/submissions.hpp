// Where the dispatches of a program are cut on devices that must not be kept busy for long (DeviceCaps::submission_limit), by measured times.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "runtime/host_kernel.hpp"

namespace tensorvk::runtime {

//! Steps that are not divided, and how long they take.
struct TimedSteps {
    StepRange steps;
    std::optional<std::chrono::nanoseconds> time{}; // nothing: not measured yet
};

//! The steps in order, cut between barrier groups, and where the host takes over from the device or back.
[[nodiscard]] std::vector<StepRange> group_ranges(std::span<const plan::Step> steps);

//! Joins neighbours as long as they take at most `limit` together. What was not measured, what takes longer than that by itself, and the host's steps stay alone.
void join(std::span<const TimedSteps> groups, std::chrono::nanoseconds limit, std::vector<StepRange>& joined);

//! What is known of the times of a program's groups, by the values of its symbols.
class GroupTimes {
  public:
    explicit GroupTimes(std::span<const plan::Step> steps) : groups_(group_ranges(steps)) {}

    //! The steps took this long in one submission. Groups become slower by it, never faster: a cut that was too late is not tried again.
    void learn(std::span<const std::int64_t> symbols, const StepRange& steps, std::chrono::nanoseconds took);
    //! Valid until the next call, which allocates nothing for symbols that it saw before.
    [[nodiscard]] const std::vector<StepRange>& submissions(std::span<const std::int64_t> symbols, std::chrono::nanoseconds limit);
    //! Another number with whatever may lead to other cuts.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
    //! One for each group.
    [[nodiscard]] const std::vector<StepRange>& groups() const noexcept { return groups_; }

  private:
    static constexpr std::size_t kMostShapes = 64;

    struct Less {
        using is_transparent = void;
        bool operator()(std::span<const std::int64_t> a, std::span<const std::int64_t> b) const { return std::ranges::lexicographical_compare(a, b); }
    };

    std::vector<TimedSteps>& of(std::span<const std::int64_t> symbols);
    void set(TimedSteps& group, std::chrono::nanoseconds time);

    std::vector<StepRange> groups_;
    std::vector<StepRange> cut_;
    std::map<std::vector<std::int64_t>, std::vector<TimedSteps>, Less> times_;
    std::uint64_t version_ = 0;
};

} // namespace tensorvk::runtime
