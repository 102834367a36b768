#include "plan/memory_plan.hpp"

#include <random>

#include <gtest/gtest.h>

namespace tensorvk::plan {
namespace {

constexpr std::uint64_t kAlignment = 256;

// Buffer i of `sizes` is written in group first[i] and read in group last[i].
Program program_of(const std::vector<std::int64_t>& sizes, const std::vector<std::pair<int, int>>& lives) {
    Program p;
    int groups = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        p.buffers.push_back({"b" + std::to_string(i), BufferKind::kARENA, p.exprs.constant(sizes[i]), 0});
        groups = std::max(groups, lives[i].second + 1);
    }
    for (int group = 0; group < groups; ++group) {
        Step step;
        step.group = group;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            if (lives[i].first == group || lives[i].second == group) {
                step.bindings.push_back({static_cast<std::int32_t>(i), lives[i].first == group});
            }
        }
        p.steps.push_back(step);
    }
    return p;
}

MemoryPlan planned(const Program& p) {
    return plan_memory(p, p.exprs.evaluate({}), kAlignment);
}

// The slow and simple truth: at every group, no two live buffers share a byte.
void expect_no_overlap(const Program& p, const MemoryPlan& memory, const std::vector<std::pair<int, int>>& lives) {
    const std::vector<std::int64_t> values = p.exprs.evaluate({});
    const auto size = [&](std::size_t i) { return values[static_cast<std::size_t>(p.buffers[i].bytes.id)]; };
    for (std::size_t i = 0; i < p.buffers.size(); ++i) {
        if (size(i) == 0) {
            EXPECT_EQ(memory.offsets[i], MemoryPlan::kNowhere);
            continue;
        }
        ASSERT_GE(memory.offsets[i], 0);
        EXPECT_EQ(memory.offsets[i] % static_cast<std::int64_t>(kAlignment), 0);
        EXPECT_LE(memory.offsets[i] + size(i), static_cast<std::int64_t>(memory.total));
        for (std::size_t j = 0; j < i; ++j) {
            const bool together = lives[i].first <= lives[j].second && lives[j].first <= lives[i].second;
            const bool share =
                memory.offsets[i] < memory.offsets[j] + size(j) && memory.offsets[j] < memory.offsets[i] + size(i);
            EXPECT_FALSE(together && share && size(j) > 0) << "buffers " << i << " and " << j;
        }
    }
}

TEST(MemoryPlan, RandomProgramsNeverOverlap) {
    std::mt19937 random(20);
    for (int round = 0; round < 300; ++round) {
        const std::size_t count = 1 + random() % 40;
        std::vector<std::int64_t> sizes;
        std::vector<std::pair<int, int>> lives;
        for (std::size_t i = 0; i < count; ++i) {
            sizes.push_back(static_cast<std::int64_t>(random() % 5 == 0 ? 0 : random() % 5000));
            const int first = static_cast<int>(random() % 20);
            lives.emplace_back(first, first + static_cast<int>(random() % 6));
        }
        const Program p = program_of(sizes, lives);
        expect_no_overlap(p, planned(p), lives);
    }
}

TEST(MemoryPlan, AChainNeedsTwoBuffers) {
    std::vector<std::int64_t> sizes(10, 1024);
    std::vector<std::pair<int, int>> lives;
    for (int i = 0; i < 10; ++i) {
        lives.emplace_back(i, i + 1);
    }
    EXPECT_EQ(planned(program_of(sizes, lives)).total, 2048U);
}

TEST(MemoryPlan, ASmallBufferTakesTheSmallestGapThatHoldsIt) {
    // Two of 4096 frame a gap of 1024 (left by c) and the end; d fits into the gap.
    const Program p = program_of({4096, 1024, 2048, 512}, {{0, 9}, {0, 3}, {0, 9}, {5, 9}});
    EXPECT_EQ(planned(p).total, 4096U + 2048U + 1024U);
}

TEST(MemoryPlan, OfTwoGapsTheSmallerOneThatFitsIsTaken) {
    // Blocks lie in the order of their sizes; those that live until group 3 leave gaps to the one that is born in group 5.
    const std::pair<int, int> stays{0, 9};
    const std::pair<int, int> leaves{0, 3};
    const std::pair<int, int> late{5, 9};
    const Program small_last =
        program_of({6144, 4096, 2048, 1024, 1000, 512}, {stays, leaves, stays, leaves, stays, late});
    EXPECT_EQ(planned(small_last).offsets[5], 6144 + 4096 + 2048) << "the gap of 1024, not the one of 4096 before it";
    const Program small_first = program_of({2048, 2048, 2048, 2048, 2048, 512}, {leaves, stays, leaves, leaves, stays, late});
    EXPECT_EQ(planned(small_first).offsets[5], 0) << "the gap of 2048, not the one of 4096 behind it";
}

TEST(MemoryPlan, BuffersOfOneGroupAreApartThoughOneIsOnlyReadThere) {
    const Program p = program_of({256, 256}, {{0, 1}, {1, 2}});
    EXPECT_EQ(planned(p).total, 512U);
}

TEST(MemoryPlan, AViewKeepsTheMemoryOfTheWholeUntilItIsReadLast) {
    Program p = program_of({512, 512}, {{0, 1}, {2, 3}}); // b1 would take the place of b0
    EXPECT_EQ(planned(p).total, 512U);
    p.buffers.push_back({.name = "second half", .kind = BufferKind::kVIEW, .bytes = p.exprs.constant(256), .whole = 0, .offset = p.exprs.constant(256)});
    p.steps[3].bindings.push_back({2, false});
    const MemoryPlan memory = planned(p);
    EXPECT_EQ(memory.total, 1024U);
    EXPECT_NE(memory.offsets[0], memory.offsets[1]);
    EXPECT_EQ(memory.offsets[2], MemoryPlan::kNowhere) << "it has no place of its own";
}

TEST(MemoryPlan, OnlyUsedArenaBuffersArePlaced) {
    Program p = program_of({256}, {{0, 0}});
    p.buffers.push_back({"unused", BufferKind::kARENA, p.exprs.constant(100), 0});
    p.buffers.push_back({"input", BufferKind::kINPUT, p.exprs.constant(100), 0});
    p.steps[0].bindings.push_back({2, false});
    const MemoryPlan memory = planned(p);
    EXPECT_EQ(memory.offsets, (std::vector<std::int64_t>{0, MemoryPlan::kNowhere, MemoryPlan::kNowhere}));
    EXPECT_EQ(memory.total, 256U);
}

} // namespace
} // namespace tensorvk::plan
