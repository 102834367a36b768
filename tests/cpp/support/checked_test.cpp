#include "support/checked.hpp"

#include <array>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace tensorvk {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

TEST(Checked, SumsAndProductsUpToTheLimitAreExact) {
    EXPECT_EQ(checked_add(kMost - 1, 1), kMost);
    EXPECT_EQ(checked_add(kLeast, kMost), -1);
    EXPECT_EQ(checked_mul(kMost, 1), kMost);
    EXPECT_EQ(checked_mul(kMost / 3, 3), kMost / 3 * 3);
}

TEST(Checked, OneBeyondTheLimitThrows) {
    EXPECT_THROW((void)checked_add(kMost, 1), InvalidArgument);
    EXPECT_THROW((void)checked_add(kLeast, -1), InvalidArgument);
    EXPECT_THROW((void)checked_mul(kMost / 2 + 1, 2), InvalidArgument);
    EXPECT_THROW((void)checked_mul(kLeast, -1), InvalidArgument);
}

TEST(Checked, TheMessageNamesBothNumbers) {
    try {
        (void)checked_add(kMost, 17);
        FAIL() << "no exception";
    } catch (const InvalidArgument& error) {
        EXPECT_NE(std::string(error.what()).find("9223372036854775807 + 17"), std::string::npos) << error.what();
        EXPECT_EQ(error.code(), ErrorCode::kINVALID_ARGUMENT);
    }
}

TEST(Checked, VolumeOfAScalarIsOneAndOfAnEmptyTensorZero) {
    EXPECT_EQ(checked_volume({}), 1);
    EXPECT_EQ(checked_volume(std::array<std::int64_t, 3>{3, 0, 17}), 0);
    EXPECT_EQ(checked_volume(std::array<std::int64_t, 3>{3, 5, 17}), 255);
    EXPECT_THROW((void)checked_volume(std::array<std::int64_t, 3>{1LL << 32, 1LL << 31, 2}), InvalidArgument);
}

} // namespace
} // namespace tensorvk
