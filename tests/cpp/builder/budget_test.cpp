// How long is timed, what first, and who runs where nobody was timed.
#include "builder/budget.hpp"

#include <gtest/gtest.h>

#include "builder/contenders.hpp"
#include "builder/workload.hpp"
#include "compiler/networks.hpp"

namespace tensorvk::builder {
namespace {

TEST(Budget, EndsWhenItsSecondsAreSpentAndNeverWithoutALimit) {
    double now = 5.0;
    const Budget limited(2.0, [&] { return now; });
    const Budget endless(0.0, [&] { return now; });
    EXPECT_FALSE(limited.over());
    now = 6.75;
    EXPECT_FALSE(limited.over());
    EXPECT_EQ(limited.spent(), 1.75);
    now = 7.0;
    EXPECT_TRUE(limited.over());
    now = 1e9;
    EXPECT_FALSE(endless.over());
    EXPECT_FALSE(endless.limited());
}

TEST(Budget, MostOfTheNetworksTimeComesFirstAndWhatHasNoChoiceLast) {
    const Work works[] = {
        {10.0, 1, 5}, // 0
        {900.0, 1, 1}, // no choice
        {8.0, 3, 2},  // 24 us in all
        {10.0, 1, 9}, // as 0
        {30.0, 1, 2}, // 4
        {},           // nothing open
    };
    EXPECT_EQ(by_worth(works), (std::vector<std::size_t>{4, 2, 0, 3, 1, 5}));
    EXPECT_TRUE(by_worth({}).empty());
}

TEST(Budget, SaysWhatWasLeftAndWhatWouldHaveSufficed) {
    double now = 0.0;
    const Budget budget(3.0, [&] { return now; });
    now = 4.0;
    EXPECT_EQ(shortage(budget, {.operations = 9, .untimed = 0, .in_part = 0, .tried = 40, .left = 0}), "");
    const Tally tally{.operations = 9, .untimed = 4, .in_part = 1, .tried = 20, .left = 15};
    EXPECT_EQ(enough_seconds(4.0, tally), 7.0);
    const std::string said = shortage(budget, tally);
    for (const char* part : {"budget of 3 s", "4 of 9 operations were untimed and 1 timed in part", "About 7 s would have sufficed"}) {
        EXPECT_NE(said.find(part), std::string::npos) << said;
    }
    EXPECT_NE(shortage(budget, {.operations = 9, .untimed = 9, .in_part = 0, .tried = 0, .left = 15}).find("Nothing could be timed"), std::string::npos);
}

tactics::Candidate named(const char* name, bool portable = false, double estimate = 0.0, bool host = false) {
    tactics::Candidate candidate;
    candidate.name = name;
    candidate.portable = portable;
    candidate.estimate = estimate;
    candidate.host = host;
    return candidate;
}

TEST(Budget, OnAGpuTheBestByEstimateIsTakenUntimedElseAsAtLevelZero) {
    const std::vector<tactics::Candidate> candidates = {named("conv/special"), named("conv/portable", true), named("conv/slow", false, 20.0),
                                                       named("conv/fast", false, 10.0), named("conv/cpu", false, 0.0, true), named("conv/generic", true)};
    std::vector<Contender> contenders;
    for (const tactics::Candidate& candidate : candidates) contenders.push_back({&candidate, nullptr, {}, {}});
    EXPECT_EQ(by_trust(contenders, true), (std::vector<std::size_t>{3, 2, 4, 1, 0, 5}));
    EXPECT_EQ(by_trust(contenders, false), (std::vector<std::size_t>{4, 1, 0, 2, 3, 5}));
    EXPECT_EQ(reference_index(contenders), 5u);
    contenders.pop_back();
    EXPECT_EQ(reference_index(contenders), 0u);
}

TEST(Budget, WhatWasTimedGoesBeforeWhatIsEstimatedUnlessThatIsFaster) {
    const std::vector<tactics::Candidate> candidates = {named("conv/generic", true), named("conv/fast", false, 10.0), named("conv/slow", false, 20.0)};
    const auto so_far = [&](std::optional<Timing> generic, std::optional<Timing> fast, bool gpu) -> std::string {
        const Contender contenders[] = {{&candidates[0], nullptr, {}, generic}, {&candidates[1], nullptr, {}, fast}, {&candidates[2], nullptr, {}, {}}};
        const Contender* best = winner_so_far(contenders, gpu);
        return best == nullptr ? "" : best->candidate->name;
    };
    EXPECT_EQ(so_far({}, {}, true), "");
    EXPECT_EQ(so_far(Timing{0.005f, true}, {}, true), "conv/generic") << "5 us, and 10 are expected";
    EXPECT_EQ(so_far(Timing{0.5f, true}, {}, true), "") << "the rest is left from another version, perhaps";
    EXPECT_EQ(so_far(Timing{0.5f, true}, {}, false), "conv/generic") << "no estimate is of a CPU";
    EXPECT_EQ(so_far(Timing{0.5f, true}, Timing{0.4f, true}, true), "conv/fast");
    EXPECT_EQ(so_far(Timing{0.5f, true}, Timing{0.4f, false}, true), "conv/generic");
}

//! Of the only operation of that kind.
template <typename Kind>
double expected_of(const graph::Network& network) {
    compiler::WeightStore weights;
    const compiler::Compiled compiled = compiler::compile(network, {}, weights);
    const auto found = std::ranges::find_if(compiled.operations, [](const tactics::Operation& o) { return std::holds_alternative<Kind>(o.kind); });
    EXPECT_NE(found, compiled.operations.end());
    return expected_microseconds(compiled, *found, {}, {});
}

double expected_convolution(std::int64_t extent) {
    graph::Network network;
    network.mark_output(test::conv1x1(network, test::input(network, {1, 2, extent, extent}), 2, {1, -1, 0.5f, 2}, {0.25f, -0.5f}));
    return expected_of<tactics::Convolution>(network);
}

double expected_product(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
    graph::Network network;
    network.mark_output(network.add_layer(LayerType::kMATRIX_MULTIPLY, {test::input(network, {rows, depth}, "a"), test::input(network, {depth, columns}, "b")},
                                          graph::MatrixMultiplyAttributes{})->outputs[0]);
    return expected_of<tactics::MatrixProduct>(network);
}

TEST(Workload, GrowsWithWhatIsMovedAndMultiplied) {
    EXPECT_GT(expected_convolution(3), 0.0);
    EXPECT_GT(expected_convolution(1000), 2 * expected_convolution(500));
    // 2 * 1024^3 multiplications more than their 12 MiB weigh; twice the depth is twice the work.
    EXPECT_NEAR(expected_product(1024, 2048, 1024) / expected_product(1024, 1024, 1024), 2.0, 0.05);
}

TEST(Workload, IsTheBestEstimateWhereThereIsOne) {
    graph::Network network;
    network.mark_output(test::relu(network, test::input(network, {1, 2, 3, 3})));
    compiler::WeightStore weights;
    const compiler::Compiled compiled = compiler::compile(network, {}, weights);
    std::vector<tactics::Candidate> candidates = {named("a", false, 20.0), named("b", false, 10.0), named("refused", false, 1.0)};
    candidates[2].refusal = "why";
    EXPECT_EQ(expected_microseconds(compiled, compiled.operations[0], candidates, {}), 10.0);
}

} // namespace
} // namespace tensorvk::builder
