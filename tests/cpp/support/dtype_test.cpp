#include "support/dtype.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "support/error.hpp"

namespace tensorvk {
namespace {

TEST(DType, SizesAndNames) {
    EXPECT_EQ(dtype_size(DataType::kFLOAT), 4U);
    EXPECT_EQ(dtype_size(DataType::kHALF), 2U);
    EXPECT_EQ(dtype_size(DataType::kINT64), 8U);
    EXPECT_EQ(dtype_size(DataType::kBOOL), 1U);
    EXPECT_EQ(dtype_name(DataType::kFLOAT), "float32");
    EXPECT_EQ(dtype_name(DataType::kHALF), "float16");
    EXPECT_THROW((void)dtype_size(DataType::kINT4), Unsupported);
}

TEST(Half, EveryBitPatternSurvivesTheWayThroughFloat) {
    for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
        const float value = half_to_float(static_cast<std::uint16_t>(bits));
        if (std::isnan(value)) {
            EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value)))) << bits;
        } else {
            ASSERT_EQ(float_to_half(value), bits);
        }
    }
}

TEST(Half, RoundsToNearestEvenAndOverflowsToInfinity) {
    EXPECT_EQ(float_to_half(1.0F + 0x1p-11F), 0x3c00);     // a tie: 1 is even
    EXPECT_EQ(float_to_half(1.0F + 3 * 0x1p-11F), 0x3c02); // a tie: up to the even one
    EXPECT_EQ(float_to_half(1.0F + 0x1.01p-11F), 0x3c01);  // just above a tie
    EXPECT_EQ(float_to_half(65519.0F), 0x7bff);            // largest that rounds down
    EXPECT_EQ(float_to_half(65520.0F), 0x7c00);            // infinity
    EXPECT_EQ(float_to_half(-65520.0F), 0xfc00);
    EXPECT_EQ(float_to_half(0x1p-25F), 0x0000); // half the smallest subnormal: to even
    EXPECT_EQ(float_to_half(0x1.8p-25F), 0x0001);
    EXPECT_EQ(float_to_half(-0.0F), 0x8000);
}

TEST(BFloat16, RoundsToNearestEvenAndKeepsNan) {
    EXPECT_EQ(float_to_bfloat16(1.0F + 0x1p-8F), 0x3f80);
    EXPECT_EQ(float_to_bfloat16(1.0F + 3 * 0x1p-8F), 0x3f82);
    EXPECT_EQ(float_to_bfloat16(std::numeric_limits<float>::max()), 0x7f80);
    EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
    EXPECT_EQ(bfloat16_to_float(0x4049), 3.140625F);
}

} // namespace
} // namespace tensorvk
