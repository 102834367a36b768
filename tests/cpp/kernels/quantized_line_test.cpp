// Programs that are lines: what is recognized, what is not, and that the line says what the program says.
#include "kernels/quantized_line.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

namespace tensorvk::kernels {
namespace {

using enum PointwiseOp;

constexpr PointwiseArg kNumber{PointwiseArg::Kind::kIMMEDIATE, 0};
PointwiseArg value(std::uint8_t index) { return {PointwiseArg::Kind::kVALUE, index}; }
PointwiseArg operand(std::uint8_t index) { return {PointwiseArg::Kind::kOPERAND, index}; }

// Operands 0 and 1 are of columns, 2 and 3 of elements.
const std::vector<bool> kPerElement{false, false, true, true};

std::optional<QuantizedLine> line_of(std::vector<PointwiseSlot> slots, int least = -128) { return quantized_line({std::move(slots)}, kPerElement, least); }

struct Case {
    const char* name;
    std::vector<PointwiseSlot> slots;
    int least = -128;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

std::vector<Case> lines() {
    return {
        {"sum", {{kQUANTIZE, value(0), kNumber, {}, 37.0f}}},
        {"scale_relu", {{kMUL, value(0), operand(0)}, {kRELU, value(1)}, {kQUANTIZE, value(2), kNumber, {}, 0.37f}}},
        {"operand_times_sum", {{kMUL, operand(1), value(0)}, {kQUANTIZE, value(1), kNumber, {}, 0.37f}, {kADD, value(2), kNumber, {}, -5.0f}}},
        {"two_scales_shift", {{kMUL, value(0), kNumber, {}, 0.02f}, {kMUL, value(1), operand(0)}, {kADD, value(2), operand(1)}, {kQUANTIZE, value(3), kNumber, {}, 0.01f}}},
        {"residual",
         {{kSUB, operand(2), kNumber, {}, 7.0f}, {kMUL, value(1), kNumber, {}, 0.11f}, {kMUL, value(0), operand(0)}, {kADD, value(3), operand(1)}, {kADD, value(4), value(2)}, {kRELU, value(5)}, {kQUANTIZE, value(6), kNumber, {}, 0.37f}, {kADD, value(7), kNumber, {}, 3.0f}},
         0},
        {"bounds", {{kMUL, value(0), operand(0)}, {kMAX, value(1), kNumber, {}, -2.0f}, {kMIN, value(2), kNumber, {}, 6.0f}, {kQUANTIZE, value(3), kNumber, {}, 0.5f}}},
        {"zero_point_under_relu", {{kMUL, value(0), operand(0)}, {kRELU, value(1)}, {kQUANTIZE, value(2), kNumber, {}, 0.25f}, {kADD, value(3), kNumber, {}, -128.0f}}},
    };
}

class Lines : public testing::TestWithParam<Case> {};

TEST_P(Lines, SayWhatTheProgramSays) {
    const Case& c = GetParam();
    const std::optional<QuantizedLine> line = line_of(c.slots, c.least);
    ASSERT_TRUE(line);
    std::mt19937 random(1);
    std::uniform_real_distribution<double> sum(-3000.0, 3000.0), other(-128.0, 127.0), scale(0.001, 0.02);
    int inside = 0;
    for (int i = 0; i < 1000; ++i) {
        const std::array<double, 4> operands{scale(random), scale(random), other(random), other(random)};
        const double x = std::round(sum(random));
        const auto of = [&](int k) { return k < 0 ? 1.0 : operands[static_cast<std::size_t>(k)]; };
        const double q = x * line->sum * of(line->sum_operand) + line->row * of(line->row_operand) + line->column * of(line->column_operand) + line->shift;
        const double bounded = std::clamp(q, line->least, line->most);
        if (std::abs(bounded - std::floor(bounded) - 0.5) < 1e-3) continue; // roundings on the way may tell
        const double expected = std::clamp(evaluate({c.slots}, x, operands.data()), static_cast<double>(c.least), c.least + 255.0);
        EXPECT_EQ(std::nearbyint(bounded) + line->zero, expected) << x;
        inside += bounded == q ? 1 : 0;
    }
    EXPECT_GT(inside, 50);
}

INSTANTIATE_TEST_SUITE_P(Programs, Lines, testing::ValuesIn(lines()), [](const auto& test) { return test.param.name; });

TEST(Lines, BoundsAreThoseOfTheBytesAndOfTheProgram) {
    const auto relu = line_of({{kRELU, value(0)}, {kQUANTIZE, value(1), kNumber, {}, 2.0f}, {kADD, value(2), kNumber, {}, -20.0f}});
    ASSERT_TRUE(relu);
    EXPECT_EQ(relu->least, 0.0);
    EXPECT_EQ(relu->most, 147.0);
    EXPECT_EQ(relu->zero, -20);
    EXPECT_EQ(relu->roundings, 1); // that of the quotient
    const auto six = line_of({{kRELU, value(0)}, {kMIN, value(1), kNumber, {}, 6.0f}, {kQUANTIZE, value(2), kNumber, {}, 0.0625f}}, 0);
    ASSERT_TRUE(six);
    EXPECT_EQ(six->most, 96.0);
}

class NoLines : public testing::TestWithParam<Case> {};

TEST_P(NoLines, AreLeftToTheProgram) { EXPECT_FALSE(line_of(GetParam().slots, GetParam().least)); }

std::vector<Case> others() {
    const PointwiseSlot last{kQUANTIZE, value(1), kNumber, {}, 0.37f};
    return {
        {"nothing", {}},
        {"not_rounded", {{kMUL, value(0), operand(0)}}},
        {"square", {{kMUL, value(0), value(0)}, last}},
        {"curve", {{kSIGMOID, value(0)}, last}},
        {"leaky", {{kLEAKY_RELU, value(0), kNumber, {}, 0.1f}, last}},
        {"residual_times_scale", {{kMUL, value(0), operand(2)}, last}},
        {"two_residuals", {{kADD, value(0), operand(2)}, {kADD, value(1), operand(3)}, {kQUANTIZE, value(2), kNumber, {}, 0.37f}}},
        {"added_behind_a_bound", {{kRELU, value(0)}, {kADD, value(1), operand(1)}, {kQUANTIZE, value(2), kNumber, {}, 0.37f}}},
        {"scale_behind_the_shift", {{kADD, value(0), operand(1)}, {kMUL, value(1), operand(0)}, {kQUANTIZE, value(2), kNumber, {}, 0.37f}}},
        {"step_of_columns", {{kQUANTIZE, value(0), operand(0)}}},
        {"negative_step", {{kQUANTIZE, value(0), kNumber, {}, -1.0f}}},
        {"tiny_step", {{kQUANTIZE, value(0), kNumber, {}, 1e-30f}}},
        {"without_the_sum", {{kADD, operand(2), operand(1)}, last}},
        {"zero_point_between_numbers", {{kQUANTIZE, value(0), kNumber, {}, 1.0f}, {kADD, value(1), kNumber, {}, 0.5f}}},
        {"zero_point_outside", {{kQUANTIZE, value(0), kNumber, {}, 1.0f}, {kADD, value(1), kNumber, {}, 128.0f}}},
        {"more_behind_the_rounding", {{kQUANTIZE, value(0), kNumber, {}, 1.0f}, {kADD, value(1), kNumber, {}, 1.0f}, {kMUL, value(2), kNumber, {}, 2.0f}}},
        {"bound_between_numbers", {{kMAX, value(0), kNumber, {}, 0.3f}, {kQUANTIZE, value(1), kNumber, {}, 1.0f}}},
        {"one_result", {{kMIN, value(0), kNumber, {}, -500.0f}, {kQUANTIZE, value(1), kNumber, {}, 1.0f}}},
        {"turned_behind_a_bound", {{kRELU, value(0)}, {kMUL, value(1), kNumber, {}, -1.0f}, {kQUANTIZE, value(2), kNumber, {}, 0.37f}}},
    };
}

INSTANTIATE_TEST_SUITE_P(Programs, NoLines, testing::ValuesIn(others()), [](const auto& test) { return test.param.name; });

} // namespace
} // namespace tensorvk::kernels
