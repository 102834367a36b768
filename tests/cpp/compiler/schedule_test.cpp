// Barriers only where data flows.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/schedule.hpp"

namespace tensorvk::compiler {
namespace {

plan::Step step(const char* layer, std::vector<std::int32_t> reads, std::vector<std::int32_t> writes, std::int32_t group = 0) {
    plan::Step out;
    out.layer = layer;
    out.group = group;
    for (const std::int32_t buffer : reads) {
        out.bindings.push_back({buffer, false});
    }
    for (const std::int32_t buffer : writes) {
        out.bindings.push_back({buffer, true});
    }
    return out;
}

std::vector<std::int32_t> groups(std::vector<plan::Step> steps, std::vector<StepRange> ranges = {}) {
    plan::Program program;
    program.buffers.resize(8);
    if (ranges.empty()) {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            ranges.push_back({i, i + 1});
        }
    }
    program.steps = std::move(steps);
    schedule(program, ranges);
    std::vector<std::int32_t> out;
    for (const plan::Step& s : program.steps) {
        out.push_back(s.group);
    }
    return out;
}

TEST(Schedule, AChainHasABarrierBetweenAllSteps) {
    EXPECT_EQ(groups({step("a", {0}, {1}), step("b", {1}, {2}), step("c", {2}, {3})}), (std::vector<std::int32_t>{0, 1, 2}));
}

TEST(Schedule, BranchesShareAGroup) {
    EXPECT_EQ(groups({step("a", {0}, {1}), step("b", {1}, {2}), step("c", {0}, {3}), step("d", {2, 3}, {4})}),
              (std::vector<std::int32_t>{0, 0, 1, 2}));
}

TEST(Schedule, TheLongestOfAGroupComesFirst) {
    plan::Program program;
    program.buffers.resize(6);
    program.steps = {step("short", {0}, {1}), step("long", {0}, {2}), step("unknown", {0}, {3}), step("unknown_too", {0}, {4}), step("behind", {1}, {5})};
    const std::vector<StepRange> ranges{{0, 1, 2.0f}, {1, 2, 9.0f}, {2, 3}, {3, 4}, {4, 5, 20.0f}};
    schedule(program, ranges);
    std::vector<std::string> order;
    for (const plan::Step& s : program.steps) order.push_back(s.layer);
    EXPECT_EQ(order, (std::vector<std::string>{"long", "short", "unknown", "unknown_too", "behind"}));
}

TEST(Schedule, PartsOfAConcatenationDoNotWaitForEachOtherButTheirReaderDoes) {
    EXPECT_EQ(groups({step("left", {0}, {2}), step("right", {1}, {2}), step("reader", {2}, {3})}), (std::vector<std::int32_t>{0, 0, 1}));
}

TEST(Schedule, TheReaderOfAConcatenationWaitsForThePartThatIsLast) {
    // "early" comes behind "late" in the list but runs before it: the reader must not be content with what it sees last.
    EXPECT_EQ(groups({step("a", {0}, {1}), step("late", {1}, {3}), step("early", {0}, {3}), step("reader", {3}, {4})}),
              (std::vector<std::int32_t>{0, 0, 1, 2}));
}

TEST(Schedule, StepsOfOneOperationKeepTheirOrder) {
    // a split product: partial sums, then their sum one group later
    EXPECT_EQ(groups({step("partial", {0}, {1}, 0), step("sum", {1}, {2}, 1), step("next", {2}, {3}, 0)}, {{0, 2}, {2, 3}}),
              (std::vector<std::int32_t>{0, 1, 2}));
}

} // namespace
} // namespace tensorvk::compiler
