// The parts of the room that need no device.
#include <chrono>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/free_list.hpp"
#include "vulkan/instance.hpp"
#include "vulkan/pipeline.hpp"
#include "vulkan/wait_plan.hpp"

namespace tensorvk::vulkan {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(Pipeline, TexelBindingsAreFoundInTheCode) {
    constexpr std::uint32_t kDecorate = 4U << 16 | 71U, kVariable = 4U << 16 | 59U, kBinding = 33, kSet = 34;
    constexpr std::uint32_t kUniformConstant = 0, kStorageBuffer = 12;
    std::vector<std::uint32_t> code{0x07230203, 0x00010500, 0, 20, 0};
    const auto add = [&](std::uint32_t op, std::uint32_t a, std::uint32_t b, std::uint32_t c) { code.insert(code.end(), {op, a, b, c}); };
    add(kDecorate, 7, kSet, 0);
    add(kDecorate, 7, kBinding, 0);
    add(kDecorate, 8, kBinding, 3);
    add(kDecorate, 9, kBinding, 1);
    EXPECT_EQ(find_texel_bindings(code), 0U) << "nothing is declared";
    add(kVariable, 2, 8, kUniformConstant);
    add(kVariable, 3, 7, kStorageBuffer);
    add(kVariable, 2, 9, kUniformConstant);
    add(kVariable, 2, 10, kUniformConstant); // no binding
    EXPECT_EQ(find_texel_bindings(code), 0b1010U);
    code.resize(code.size() - 2); // cut off in an instruction
    EXPECT_EQ(find_texel_bindings(code), 0b1010U);
    EXPECT_EQ(find_texel_bindings({}), 0U);
    EXPECT_EQ(descriptor_type(0b1010U, 1), VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER);
    EXPECT_EQ(descriptor_type(0b1010U, 2), VK_DESCRIPTOR_TYPE_STORAGE_BUFFER);
    EXPECT_EQ(descriptor_type(0b1010U, 33), VK_DESCRIPTOR_TYPE_STORAGE_BUFFER);
}

TEST(FreeList, HandsOutAlignedRangesAndReportsWhenFull) {
    FreeList list(1024);
    EXPECT_EQ(list.allocate(1, 1), 0U);
    EXPECT_EQ(list.allocate(256, 256), 256U);
    EXPECT_EQ(list.allocate(255, 1), 1U) << "the hole before the aligned range is used";
    EXPECT_EQ(list.allocate(513, 1), std::nullopt);
    EXPECT_EQ(list.allocate(512, 512), 512U);
    EXPECT_EQ(list.free_bytes(), 0U);
}

TEST(FreeList, MergesNeighboursInAnyOrder) {
    FreeList list(300);
    ASSERT_EQ(list.allocate(100, 1), 0U);
    ASSERT_EQ(list.allocate(100, 1), 100U);
    ASSERT_EQ(list.allocate(100, 1), 200U);
    list.free(0, 100);
    list.free(200, 100);
    EXPECT_EQ(list.allocate(300, 1), std::nullopt);
    list.free(100, 100);
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.allocate(300, 1), 0U);
}

TEST(FreeList, NeverOverlapsUnderRandomUse) {
    FreeList list(1 << 16);
    std::map<std::uint64_t, std::uint64_t> live;
    std::mt19937 random(7);
    for (int i = 0; i < 5000; ++i) {
        if (random() % 3 != 0 || live.empty()) {
            const std::uint64_t size = 1 + random() % 900;
            const std::uint64_t alignment = 1ULL << random() % 9;
            const auto offset = list.allocate(size, alignment);
            if (!offset) continue;
            EXPECT_EQ(*offset % alignment, 0U);
            const auto next = live.lower_bound(*offset);
            EXPECT_TRUE(next == live.end() || *offset + size <= next->first);
            EXPECT_TRUE(next == live.begin() || std::prev(next)->first + std::prev(next)->second <= *offset);
            live.emplace(*offset, size);
        } else {
            const auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
            list.free(victim->first, victim->second);
            live.erase(victim);
        }
    }
    for (const auto& [offset, size] : live) list.free(offset, size);
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.allocate(1 << 16, 1), 0U);
}

TEST(WaitPlan, GpuPollsShortWorkAndSleepsThroughLongWork) {
    const WaitPlan unknown = plan_wait(nanoseconds(0), false);
    EXPECT_EQ(unknown.sleep, nanoseconds(0));
    EXPECT_GE(unknown.poll, milliseconds(2)) << "what most networks take: nobody says how long an asynchronous inference takes";
    EXPECT_LE(unknown.poll, milliseconds(4));
    const WaitPlan brief = plan_wait(microseconds(500), false);
    EXPECT_EQ(brief.sleep, nanoseconds(0));
    EXPECT_GT(brief.poll, microseconds(500));
    const WaitPlan lengthy = plan_wait(milliseconds(100), false);
    EXPECT_LT(lengthy.sleep, milliseconds(100));
    EXPECT_GT(lengthy.sleep + lengthy.poll, milliseconds(90));
    EXPECT_LE(lengthy.poll, milliseconds(4)) << "a processor is not burnt for long";
}

TEST(WaitPlan, CpuDeviceKeepsItsCores) {
    EXPECT_LE(plan_wait(nanoseconds(0), true).poll, microseconds(100));
    EXPECT_EQ(plan_wait(milliseconds(1), true), WaitPlan{});
}

TEST(Check, FailuresOfDifferentKindsAreDifferentExceptions) {
    EXPECT_THROW(check(VK_ERROR_OUT_OF_DEVICE_MEMORY, "x"), OutOfMemory);
    EXPECT_THROW(check(VK_ERROR_DEVICE_LOST, "x"), DeviceLost);
    EXPECT_THROW(check(VK_ERROR_INCOMPATIBLE_DRIVER, "x"), DeviceUnavailable);
    EXPECT_THROW(check(VK_ERROR_FORMAT_NOT_SUPPORTED, "x"), InternalError);
    EXPECT_NO_THROW(check(VK_SUCCESS, "x"));
    EXPECT_NO_THROW(check(VK_NOT_READY, "x"));
    try {
        check(VK_ERROR_DEVICE_LOST, "submit work");
    } catch (const DeviceLost& e) {
        EXPECT_NE(std::string(e.what()).find("VK_ERROR_DEVICE_LOST"), std::string::npos);
        EXPECT_NE(std::string(e.what()).find("submit work"), std::string::npos);
    }
}

TEST(Validation, WishIsAListOfWords) {
    EXPECT_FALSE(ValidationWish::parse("").on);
    EXPECT_FALSE(ValidationWish::parse("0").on);
    EXPECT_TRUE(ValidationWish::parse("1").on);
    const ValidationWish wish = ValidationWish::parse("sync,gpu");
    EXPECT_TRUE(wish.on && wish.sync && wish.gpu);
    EXPECT_THROW((void)ValidationWish::parse("yes"), InvalidArgument);
}

} // namespace
} // namespace tensorvk::vulkan
