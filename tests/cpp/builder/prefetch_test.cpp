// Large weights are read a group ahead, by steps that may run beside anything.
#include <gtest/gtest.h>

#include "builder/prefetch.hpp"

namespace tensorvk::builder {
namespace {

constexpr std::int64_t kLarge = 1 << 20;

//! One step a group; step i reads what `reads` says and writes an arena buffer.
struct Chain {
    plan::Program program;

    std::int32_t buffer(plan::BufferKind kind, std::int64_t bytes) {
        program.buffers.push_back({.name = "buffer", .kind = kind, .bytes = program.exprs.constant(bytes)});
        return static_cast<std::int32_t>(program.buffers.size() - 1);
    }

    void step(const char* layer, std::vector<std::int32_t> reads, bool host = false, const char* kernel = "matrix/generic:f32") {
        plan::Step step;
        step.layer = layer;
        step.kernel = kernel;
        step.group = static_cast<std::int32_t>(program.steps.size());
        if (host) step.host = std::make_shared<plan::HostCall>();
        for (const std::int32_t each : reads) step.bindings.push_back({each, false});
        step.bindings.push_back({buffer(plan::BufferKind::kARENA, kLarge), true});
        program.steps.push_back(std::move(step));
    }

    //! "layer@group" of the steps that were added.
    std::vector<std::string> added() {
        add_prefetches(program, vulkan::DeviceCaps{});
        std::vector<std::string> out;
        std::int32_t last = 0;
        for (const plan::Step& step : program.steps) {
            EXPECT_GE(step.group, last) << "groups ascend";
            last = step.group;
            if (step.kernel.starts_with("prefetch/")) out.push_back(step.layer + "@" + std::to_string(step.group));
        }
        return out;
    }
};

TEST(Prefetch, ComesAGroupBeforeTheLayerWhoseNameItHas) {
    Chain chain;
    const std::int32_t first = chain.buffer(plan::BufferKind::kDERIVED, kLarge), second = chain.buffer(plan::BufferKind::kCONSTANT, kLarge);
    chain.step("a", {first});
    chain.step("b", {second});
    chain.step("c", {first, second});
    EXPECT_EQ(chain.added(), std::vector<std::string>{"b@0"}) << "nothing runs before the first group, and what was read is there";
}

TEST(Prefetch, StepsReadSeveralBuffersEach) {
    Chain chain;
    chain.step("0", {});
    for (const char* layer : {"1", "2", "3", "4", "5", "6", "7"}) chain.step(layer, {chain.buffer(plan::BufferKind::kDERIVED, kLarge)});
    EXPECT_EQ(chain.added(), (std::vector<std::string>{"1@0", "6@5"})) << "a dispatch costs something, however little it does; what one reads is to be there when the next layer begins";
}

TEST(Prefetch, ReadsNoMoreAheadThanStaysInACache) {
    Chain chain;
    const std::int32_t first = chain.buffer(plan::BufferKind::kDERIVED, 8 * kLarge), second = chain.buffer(plan::BufferKind::kDERIVED, 8 * kLarge);
    chain.step("a", {});
    chain.step("b", {first});
    chain.step("c", {second});
    EXPECT_EQ(chain.added(), (std::vector<std::string>{"b@0", "c@1"}));
}

TEST(Prefetch, ReadsNothingAheadOfAHostStep) {
    Chain chain;
    const std::int32_t first = chain.buffer(plan::BufferKind::kDERIVED, kLarge), second = chain.buffer(plan::BufferKind::kDERIVED, kLarge);
    chain.step("a", {});
    chain.step("b", {first});
    chain.step("host", {}, true);
    chain.step("c", {});
    chain.step("d", {second});
    EXPECT_EQ(chain.added(), (std::vector<std::string>{"b@0", "d@3"}));
}

TEST(Prefetch, LeavesTablesAndWhatNoCacheHoldsAlone) {
    Chain chain;
    const std::int32_t table = chain.buffer(plan::BufferKind::kCONSTANT, kLarge), huge = chain.buffer(plan::BufferKind::kDERIVED, 64 * kLarge);
    chain.step("a", {});
    chain.step("gather", {table}, false, "gather/generic:b32");
    chain.step("b", {huge});
    EXPECT_TRUE(chain.added().empty());
}

TEST(Prefetch, LeavesSmallWeightsAndActivationsAlone) {
    Chain chain;
    const std::int32_t small = chain.buffer(plan::BufferKind::kDERIVED, 60 << 10), activation = chain.buffer(plan::BufferKind::kARENA, kLarge);
    chain.step("a", {});
    chain.step("b", {small, activation});
    EXPECT_TRUE(chain.added().empty());
}

TEST(Prefetch, HostStepsStayAloneInTheirGroup) {
    Chain chain;
    const std::int32_t weights = chain.buffer(plan::BufferKind::kDERIVED, kLarge);
    chain.step("a", {});
    chain.step("host", {weights}, true);
    chain.step("b", {weights});
    EXPECT_TRUE(chain.added().empty());
}

TEST(Prefetch, StepsReadTheirWholeBufferAndBindNothingOfOthers) {
    Chain chain;
    const std::int32_t weights = chain.buffer(plan::BufferKind::kDERIVED, kLarge + 16);
    chain.step("a", {});
    chain.step("b", {weights});
    ASSERT_EQ(chain.added().size(), 1u);
    const plan::Step& step = chain.program.steps[1];
    EXPECT_EQ(chain.program.exprs.value(step.params.at(0)), (kLarge + 16) / 16);
    EXPECT_EQ(chain.program.exprs.value(step.groups[0]), kLarge / (16 << 10) + 1);
    ASSERT_EQ(step.bindings.size(), 7u);
    EXPECT_EQ(chain.program.buffers[static_cast<std::size_t>(step.bindings[0].buffer)].name, "scratch");
    for (std::size_t i = 1; i < 7; ++i) EXPECT_EQ(step.bindings[i].buffer, weights);
    for (std::size_t i = 1; i < 6; ++i) EXPECT_EQ(chain.program.exprs.value(step.params.at(i)), 0) << "nothing is read of what is bound to fill up";
}

} // namespace
} // namespace tensorvk::builder
