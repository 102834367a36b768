// Element-wise chains: every operation, broadcasting, layouts and element types, against the host's reference.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "kernels/host/pointwise.hpp"
#include "tactics/check.hpp"
#include "tactics/word_types.hpp"

namespace tensorvk::test {
namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::PointwiseProgram;
using kernels::host::Tensor;
using tactics::Layout;

constexpr PointwiseArg kValue{PointwiseArg::Kind::kVALUE, 0};
constexpr PointwiseArg kImmediate{PointwiseArg::Kind::kIMMEDIATE, 0};
constexpr PointwiseArg slot(std::uint8_t i) { return {PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(i + 1)}; }
constexpr PointwiseArg operand(std::uint8_t i) { return {PointwiseArg::Kind::kOPERAND, i}; }

struct Input {
    Tensor tensor;
    Layout layout = Layout::kLINEAR;
};

std::vector<std::string> check(const PointwiseProgram& program, const Input& value, const std::vector<Input>& operands, DataType type,
                               Layout layout, double tolerance, int dynamic_axis = -1) {
    tactics::Operation operation;
    operation.name = "chain";
    operation.kind = tactics::Pointwise{};
    operation.epilogue = program;
    OperationCase test(operation);
    test.add_input(value.tensor, value.layout, false);
    std::vector<const Tensor*> tensors;
    for (const Input& input : operands) {
        test.add_operand(input.tensor, input.layout);
        tensors.push_back(&input.tensor);
    }
    const Tensor expected = kernels::host::pointwise(program, value.tensor, tensors, type);
    test.set_output(type, expected.dims, layout);
    if (dynamic_axis >= 0) {
        test.make_dynamic(static_cast<std::size_t>(dynamic_axis));
    }
    return check_all(test, {expected}, tolerance);
}

Tensor filled(DataType type, std::vector<std::int64_t> dims, const std::vector<double>& values) {
    Tensor tensor(type, std::move(dims));
    for (std::int64_t i = 0; i < tensor.volume(); ++i) {
        tensor.set(i, values[static_cast<std::size_t>(i) % values.size()]);
    }
    return tensor;
}

// Per operation: what it is applied to. Functions are approximated to about 1e-6 of the largest result: GPUs' exp and log are no better.
struct OpCase {
    PointwiseOp op;
    std::vector<double> values;
    double tolerance = 2e-6;
};

const std::vector<double> kAny = {-80.0, -3.5, -2.5, -1.0, -0.75, -0.5, -1e-3, 0.0, 1e-4, 0.3, 0.5, 1.0, 1.5, 2.5, 3.0, 7.25, 80.0};
const std::vector<double> kSpecial = {-std::numeric_limits<double>::infinity(), -1.0, 0.0, std::numeric_limits<double>::quiet_NaN(), 3e38,
                                      std::numeric_limits<double>::infinity()};
const std::vector<double> kUnit = {-0.96, -0.5, -0.1, 0.0, 0.01, 0.3, 0.7, 0.95};
const std::vector<double> kPositive = {1e-3, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 100.0};
const std::vector<double> kSmall = {-6.0, -3.0, -2.0, -1.5, -1.0, -0.3, 0.1, 0.5, 1.0, 2.0, 2.75, 6.0};

class Unary : public testing::TestWithParam<OpCase> {};

//! The same values, those with results up to 1 apart from the others: errors count against the largest result.
std::vector<std::vector<double>> by_result(const PointwiseProgram& program, const std::vector<double>& values) {
    const Tensor x = filled(DataType::kFLOAT, {static_cast<std::int64_t>(values.size())}, values);
    const Tensor y = kernels::host::pointwise(program, x, {}, DataType::kFLOAT);
    std::vector<std::vector<double>> parts(2);
    for (std::size_t i = 0; i < values.size(); ++i) {
        parts[std::abs(y.get(static_cast<std::int64_t>(i))) <= 1.0 ? 0 : 1].push_back(values[i]);
    }
    std::erase_if(parts, [](const auto& part) { return part.empty(); });
    return parts;
}

TEST_P(Unary, MatchesTheReferenceWithAndWithoutVectors) {
    const OpCase& c = GetParam();
    const PointwiseProgram program{{{.op = c.op, .a = kValue, .b = kImmediate, .immediate = 0.5f}}};
    for (const std::vector<double>& values : by_result(program, c.values)) {
        const Tensor whole = filled(DataType::kFLOAT, {4, 17}, values);
        const Tensor odd = filled(DataType::kFLOAT, {3, 11}, values);
        EXPECT_EQ(check(program, {whole}, {}, DataType::kFLOAT, Layout::kLINEAR, c.tolerance).size(), 2u);
        EXPECT_EQ(check(program, {odd}, {}, DataType::kFLOAT, Layout::kLINEAR, c.tolerance).size(), 2u);
    }
}

// Where f(x) is about x (or e^x), the obvious formulas cancel: each value is judged against its own result.
class NearZero : public testing::TestWithParam<OpCase> {};

TEST_P(NearZero, KeepsItsDigits) {
    const OpCase& c = GetParam();
    const PointwiseProgram program{{{.op = c.op, .a = kValue, .b = kImmediate, .immediate = 0.5f}}};
    for (const double value : c.values) {
        SCOPED_TRACE(value);
        check(program, {filled(DataType::kFLOAT, {4}, {value})}, {}, DataType::kFLOAT, Layout::kLINEAR, c.tolerance);
    }
}

const std::vector<double> kTiny = {-0.6, -0.49, -0.24, -0.03, -1e-3, -1e-4, -1e-6, 1e-6, 1e-5, 1e-3, 0.02, 0.26};
INSTANTIATE_TEST_SUITE_P(Operations, NearZero,
                         testing::Values(OpCase{PointwiseOp::kELU, kTiny}, OpCase{PointwiseOp::kTANH, kTiny}, OpCase{PointwiseOp::kERF, kTiny},
                                         OpCase{PointwiseOp::kSINH, kTiny}, OpCase{PointwiseOp::kASINH, kTiny},
                                         OpCase{PointwiseOp::kATANH, kTiny}, OpCase{PointwiseOp::kSOFTSIGN, kTiny},
                                         OpCase{PointwiseOp::kGELU_ERF, kTiny}, OpCase{PointwiseOp::kGELU_TANH, kTiny},
                                         OpCase{PointwiseOp::kSOFTPLUS, {-2.0, -3.4, -3.6, -8.0, -15.0, -20.0}, 1e-5}, // exp's own 2 |x| units
                                         OpCase{PointwiseOp::kSIGMOID, {-4.0, -9.0, -20.0}, 1e-5}),
                         [](const auto& test) {
                             std::string name = kernels::str({{{.op = test.param.op, .a = kValue, .b = kImmediate, .immediate = 0.5f}}});
                             return name.substr(0, name.find('('));
                         });

INSTANTIATE_TEST_SUITE_P(
    Operations, Unary,
    testing::Values(OpCase{PointwiseOp::kRELU, kAny}, OpCase{PointwiseOp::kSIGMOID, kAny}, OpCase{PointwiseOp::kTANH, kAny},
                    OpCase{PointwiseOp::kELU, kAny}, OpCase{PointwiseOp::kSOFTSIGN, kAny}, OpCase{PointwiseOp::kSOFTPLUS, kAny},
                    OpCase{PointwiseOp::kGELU_ERF, kAny}, OpCase{PointwiseOp::kGELU_TANH, kAny}, OpCase{PointwiseOp::kEXP, kSmall},
                    OpCase{PointwiseOp::kLOG, kPositive}, OpCase{PointwiseOp::kSQRT, kPositive}, OpCase{PointwiseOp::kRECIP, kPositive},
                    OpCase{PointwiseOp::kABS, kAny}, OpCase{PointwiseOp::kNEG, kAny},
                    // Vulkan promises 2^-11 for sin and cos, and no more for what is made of them.
                    OpCase{PointwiseOp::kSIN, kSmall, 5e-4}, OpCase{PointwiseOp::kCOS, kSmall, 5e-4}, OpCase{PointwiseOp::kTAN, kUnit, 1e-3},
                    OpCase{PointwiseOp::kSINH, kSmall}, OpCase{PointwiseOp::kCOSH, kSmall}, OpCase{PointwiseOp::kASIN, kUnit, 5e-4},
                    OpCase{PointwiseOp::kACOS, kUnit, 5e-4}, OpCase{PointwiseOp::kATAN, kAny, 5e-4}, OpCase{PointwiseOp::kASINH, kAny, 1e-5},
                    OpCase{PointwiseOp::kACOSH, {1.0, 1.5, 2.0, 10.0}, 1e-5}, OpCase{PointwiseOp::kATANH, kUnit, 1e-5},
                    OpCase{PointwiseOp::kCEIL, kAny, 0.0}, OpCase{PointwiseOp::kFLOOR, kAny, 0.0}, OpCase{PointwiseOp::kERF, kSmall},
                    OpCase{PointwiseOp::kNOT, kAny, 0.0}, OpCase{PointwiseOp::kSIGN, kAny, 0.0},
                    OpCase{PointwiseOp::kISINF, kSpecial, 0.0}, OpCase{PointwiseOp::kISNAN, kSpecial, 0.0}, OpCase{PointwiseOp::kLEAKY_RELU, kAny},
                    OpCase{PointwiseOp::kTHRESHOLDED_RELU, kAny}, OpCase{PointwiseOp::kPOW, kPositive}),
    [](const auto& test) {
        std::string name = kernels::str({{{.op = test.param.op, .a = kValue, .b = kImmediate, .immediate = 0.5f}}});
        return name.substr(0, name.find('('));
    });

class Binary : public testing::TestWithParam<PointwiseOp> {};

TEST_P(Binary, MatchesTheReferenceForAllPairsOfSigns) {
    const PointwiseProgram program{{{.op = GetParam(), .a = kValue, .b = operand(0)}}};
    const std::vector<double> values = {-3.0, -2.5, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 6.0, 7.5};
    Tensor a(DataType::kFLOAT, {11, 12});
    Tensor b(DataType::kFLOAT, {11, 12});
    for (std::int64_t i = 0; i < a.volume(); ++i) {
        a.set(i, values[static_cast<std::size_t>(i / 12)]);
        const double exponent = values[static_cast<std::size_t>(i) % values.size()];
        b.set(i, GetParam() == PointwiseOp::kPOW ? std::trunc(exponent) : exponent); // a negative base to a fraction is NaN
    }
    check(program, {a}, {{b}}, DataType::kFLOAT, Layout::kLINEAR, 3e-6);
}

INSTANTIATE_TEST_SUITE_P(Operations, Binary,
                         testing::Values(PointwiseOp::kADD, PointwiseOp::kSUB, PointwiseOp::kMUL, PointwiseOp::kDIV, PointwiseOp::kMAX, PointwiseOp::kMIN,
                                         PointwiseOp::kPOW, PointwiseOp::kFLOOR_DIV, PointwiseOp::kEQUAL, PointwiseOp::kGREATER, PointwiseOp::kLESS,
                                         PointwiseOp::kAND, PointwiseOp::kOR, PointwiseOp::kXOR));

TEST(Pointwise, RoundsHalvesToEven) {
    const PointwiseProgram program{{{.op = PointwiseOp::kROUND, .a = kValue}}};
    const Tensor x = filled(DataType::kFLOAT, {8}, {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.4, -3.6});
    check(program, {x}, {}, DataType::kFLOAT, Layout::kLINEAR, 1e-9);
}

TEST(Pointwise, NegativeBasesHaveIntegralPowersAndNaNOtherwise) {
    const PointwiseProgram program{{{.op = PointwiseOp::kPOW, .a = kValue, .b = operand(0)}, {.op = PointwiseOp::kISNAN, .a = slot(0)}}};
    const Tensor x = filled(DataType::kFLOAT, {5}, {-2.0, -2.0, -2.0, 0.0, 0.0});
    const Tensor y = filled(DataType::kFLOAT, {5}, {2.0, 0.5, -3.0, 0.0, 2.0});
    check(program, {x}, {{y}}, DataType::kFLOAT, Layout::kLINEAR, 0.0);
}

TEST(Pointwise, NaNGoesThroughMaxMinAndRelu) {
    if (!vulkan::Device::current()->caps().is_cpu) {
        GTEST_SKIP() << "Vulkan lets GPUs make a plain maximum of a comparison, which drops NaN";
    }
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    const PointwiseProgram program{{{.op = PointwiseOp::kMAX, .a = kValue, .b = operand(0)},
                                    {.op = PointwiseOp::kMIN, .a = operand(0), .b = slot(0)},
                                    {.op = PointwiseOp::kRELU, .a = slot(1)},
                                    {.op = PointwiseOp::kISNAN, .a = slot(2)}}};
    const Tensor x = filled(DataType::kFLOAT, {4}, {kNan, 1.0, kNan, 1.0});
    const Tensor y = filled(DataType::kFLOAT, {4}, {1.0, kNan, kNan, -1.0});
    check(program, {x}, {{y}}, DataType::kFLOAT, Layout::kLINEAR, 0.0);
}

//! 4 for NaN, 2 for what is above all floats' half, 1 for what is below: floats that are neither compare with nothing.
PointwiseProgram kind_of(kernels::PointwiseSlot first) {
    return {{first,
             {.op = PointwiseOp::kISNAN, .a = slot(0)},
             {.op = PointwiseOp::kGREATER, .a = slot(0), .b = kImmediate, .immediate = 1.7e38f},
             {.op = PointwiseOp::kLESS, .a = slot(0), .b = kImmediate, .immediate = -1.7e38f},
             {.op = PointwiseOp::kMUL, .a = slot(1), .b = kImmediate, .immediate = 4.0f},
             {.op = PointwiseOp::kADD, .a = slot(2), .b = slot(2)},
             {.op = PointwiseOp::kADD, .a = slot(4), .b = slot(5)},
             {.op = PointwiseOp::kADD, .a = slot(6), .b = slot(3)}}};
}

TEST(Pointwise, DivisionByZeroIsInfiniteOrNaN) {
    const std::vector<double> numbers = {1.0, -2.0, 0.0, -0.0, 3.0, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};
    for (const std::int64_t count : {8, 33}) {
        const Tensor x = filled(DataType::kFLOAT, {count}, numbers), y = filled(DataType::kFLOAT, {count}, {0.0, -0.0, 5.0});
        for (const float zero : {0.0f, -0.0f}) {
            SCOPED_TRACE(testing::Message() << "of " << count << " by " << zero);
            check(kind_of({.op = PointwiseOp::kDIV, .a = kValue, .b = kImmediate, .immediate = zero}), {x}, {}, DataType::kFLOAT, Layout::kLINEAR, 0.0);
            check(kind_of({.op = PointwiseOp::kDIV, .a = kImmediate, .b = kValue, .immediate = zero}), {x}, {}, DataType::kFLOAT, Layout::kLINEAR, 0.0);
        }
        check(kind_of({.op = PointwiseOp::kDIV, .a = kValue, .b = operand(0)}), {x}, {{y}}, DataType::kFLOAT, Layout::kLINEAR, 0.0);
    }
}

TEST(Pointwise, ChainOfTwelveSlotsWithFourOperands) {
    PointwiseProgram program;
    for (std::uint8_t i = 0; i < 12; ++i) {
        const auto last = i == 0 ? kValue : slot(static_cast<std::uint8_t>(i - 1));
        program.slots.push_back({.op = i % 3 == 0 ? PointwiseOp::kADD : i % 3 == 1 ? PointwiseOp::kMUL : PointwiseOp::kSUB, .a = last,
                                 .b = i % 5 == 4 ? kImmediate : operand(i % 4), .immediate = 0.75f});
    }
    std::vector<Input> operands;
    for (unsigned k = 0; k < 4; ++k) {
        operands.push_back({random_tensor(DataType::kFLOAT, {2, 33}, k + 1)});
    }
    check(program, {random_tensor(DataType::kFLOAT, {2, 33}, 9)}, operands, DataType::kFLOAT, Layout::kLINEAR, 1e-6);
}

struct Broadcast {
    std::string name;
    std::vector<std::int64_t> value, other;
    Layout value_layout = Layout::kLINEAR, other_layout = Layout::kLINEAR, output_layout = Layout::kLINEAR;
    int dynamic_axis = -1;
    std::size_t candidates = 2; // vec4 and generic, or generic alone
};

class Broadcasting : public testing::TestWithParam<Broadcast> {};

TEST_P(Broadcasting, MatchesTheReference) {
    const Broadcast& c = GetParam();
    const PointwiseProgram program{{{.op = PointwiseOp::kSUB, .a = kValue, .b = operand(0)}, {.op = PointwiseOp::kMUL, .a = slot(0), .b = operand(0)}}};
    const Input value{random_tensor(DataType::kFLOAT, c.value, 1), c.value_layout};
    const Input other{random_tensor(DataType::kFLOAT, c.other, 2), c.other_layout};
    EXPECT_EQ(check(program, value, {other}, DataType::kFLOAT, c.output_layout, 1e-6, c.dynamic_axis).size(), c.candidates);
}

constexpr Layout kLast = Layout::kCHANNELS_LAST;
INSTANTIATE_TEST_SUITE_P(
    Shapes, Broadcasting,
    testing::Values(Broadcast{"scalar", {3, 17}, {}}, Broadcast{"scalar_value", {1}, {3, 5}}, Broadcast{"row", {3, 8}, {8}},
                    Broadcast{"odd_row", {3, 17}, {17}, {}, {}, {}, -1, 1}, Broadcast{"column", {5, 8}, {5, 1}},
                    Broadcast{"both", {5, 1}, {1, 12}}, Broadcast{"channel", {2, 3, 4, 4}, {3, 1, 1}},
                    Broadcast{"channel_last", {2, 8, 3, 5}, {1, 8, 1, 1}, kLast, kLast, kLast},
                    Broadcast{"per_picture_and_channel", {2, 8, 3, 5}, {2, 8, 1, 1}, kLast, kLast, kLast},
                    Broadcast{"plane", {2, 8, 3, 5}, {2, 1, 3, 5}, kLast, kLast, kLast},
                    Broadcast{"other_layouts", {2, 5, 3, 4}, {2, 5, 3, 4}, kLast, Layout::kLINEAR, kLast, -1, 1},
                    Broadcast{"reformats", {2, 5, 3, 4}, {5, 1, 1}, kLast, Layout::kLINEAR, Layout::kLINEAR, -1, 1},
                    Broadcast{"many_axes", {2, 1, 3, 1, 2, 1, 3, 1}, {1, 2, 1, 3, 1, 2, 1, 3}, {}, {}, {}, -1, 1},
                    Broadcast{"dynamic_batch", {7, 8, 3, 5}, {8, 1, 1}, kLast, kLast, kLast, 0}, Broadcast{"dynamic_odd", {7, 33}, {}, {}, {}, {}, 0},
                    Broadcast{"empty", {0, 8}, {8}}, Broadcast{"one", {1}, {1}}),
    [](const auto& test) { return test.param.name; });

class Casts : public testing::TestWithParam<std::tuple<DataType, DataType>> {};

TEST_P(Casts, GoTowardsZero) {
    const auto [from, to] = GetParam();
    const std::vector<double> values = {-100.0, -2.5, -1.0, 0.0, 0.5, 1.0, 1.75, 2.0, 77.0, 100.0};
    for (const std::int64_t count : {1, 3, 17, 32}) {
        check({}, {filled(from, {count}, values)}, {}, to, Layout::kLINEAR, 0.0);
    }
}

constexpr auto kTypes = {DataType::kFLOAT, DataType::kHALF, DataType::kINT32, DataType::kINT64, DataType::kBOOL, DataType::kINT8, DataType::kUINT8};
INSTANTIATE_TEST_SUITE_P(Types, Casts, testing::Combine(testing::ValuesIn(kTypes), testing::ValuesIn(kTypes)));

//! (value - 3) / 8 + operand 0 * operand 1, and for bytes the nearest of their range.
TEST(Pointwise, BytesAndFloatsMoveInFours) {
    for (const auto& [from, residual, to] : {std::tuple{DataType::kINT8, DataType::kUINT8, DataType::kFLOAT}, {DataType::kUINT8, DataType::kINT8, DataType::kINT8},
                                             {DataType::kFLOAT, DataType::kINT8, DataType::kUINT8}, {DataType::kINT8, DataType::kHALF, DataType::kHALF}}) {
        PointwiseProgram program{{{.op = PointwiseOp::kSUB, .a = kValue, .b = kImmediate, .immediate = 3.0F},
                                  {.op = PointwiseOp::kMUL, .a = slot(0), .b = kImmediate, .immediate = 0.125F},
                                  {.op = PointwiseOp::kMUL, .a = operand(0), .b = operand(1)},
                                  {.op = PointwiseOp::kADD, .a = slot(1), .b = slot(2)}}};
        if (is_byte(to)) {
            const float least = to == DataType::kINT8 ? -128.0F : 0.0F;
            for (const auto& [op, number] : {std::pair{PointwiseOp::kQUANTIZE, 0.5F}, {PointwiseOp::kMAX, least}, {PointwiseOp::kMIN, least + 255.0F}}) {
                program.slots.push_back({.op = op, .a = slot(static_cast<std::uint8_t>(program.slots.size() - 1)), .b = kImmediate, .immediate = number});
            }
        }
        const std::vector<double> values = {0, 1, 17, 33, 100, 127, 64, 5, 90, 2, 121};
        const Input one{filled(DataType::kFLOAT, {1}, {0.25})};
        for (const std::int64_t count : {4, 12, 68, 260}) {
            const auto ran = check(program, {filled(from, {count}, values)}, {{filled(residual, {count}, values)}, one}, to, Layout::kLINEAR, 0.0);
            EXPECT_EQ(std::ranges::count(ran, std::string("pointwise/fours")), ran.empty() ? 0 : 1);
        }
        const auto uneven = check(program, {filled(from, {17}, values)}, {{filled(residual, {17}, values)}, one}, to, Layout::kLINEAR, 0.0);
        EXPECT_EQ(std::ranges::count(uneven, std::string("pointwise/fours")), 0) << "the last four are not whole";
    }
}

TEST(Pointwise, IntegersAreExactBeyondWhatFloatsHold) {
    for (const DataType type : {DataType::kINT32, DataType::kINT64}) {
        const std::int64_t large = type == DataType::kINT32 ? (1 << 30) + 1 : (std::int64_t{1} << 60) + 1;
        Tensor a(type, {5});
        Tensor b(type, {5});
        for (std::int64_t i = 0; i < 5; ++i) {
            a.set_integer(i, large + i);
            b.set_integer(i, i - 2);
        }
        for (const PointwiseOp op : {PointwiseOp::kADD, PointwiseOp::kSUB, PointwiseOp::kDIV, PointwiseOp::kFLOOR_DIV, PointwiseOp::kMAX, PointwiseOp::kGREATER}) {
            const PointwiseProgram program{{{.op = op, .a = kValue, .b = operand(0)}}};
            check(program, {a}, {{b}}, type, Layout::kLINEAR, 0.0);
            check(program, {a}, {{b}}, DataType::kBOOL, Layout::kLINEAR, 0.0);
        }
    }
}

TEST(Pointwise, Int64WrapsDividesAndComparesLikeTheHost) {
    constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    // Around the border between the two words, where carries and signs go wrong.
    const std::vector<std::int64_t> values = {0, 1, -1, 7, -7, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, -0x80000000LL, -0x100000001LL,
                                              1234567890123456789, -987654321987654321, kMin, kMin + 1, kMax};
    const auto count = static_cast<std::int64_t>(values.size());
    Tensor a(DataType::kINT64, {count, 1});
    Tensor b(DataType::kINT64, {count});
    for (std::int64_t i = 0; i < count; ++i) {
        a.set_integer(i, values[static_cast<std::size_t>(i)]);
        b.set_integer(i, values[static_cast<std::size_t>(i)]);
    }
    for (const PointwiseOp op :
         {PointwiseOp::kADD, PointwiseOp::kSUB, PointwiseOp::kMUL, PointwiseOp::kDIV, PointwiseOp::kFLOOR_DIV, PointwiseOp::kMAX, PointwiseOp::kMIN,
          PointwiseOp::kEQUAL, PointwiseOp::kGREATER, PointwiseOp::kLESS, PointwiseOp::kAND, PointwiseOp::kOR, PointwiseOp::kXOR}) {
        const PointwiseProgram program{{{.op = op, .a = kValue, .b = operand(0)}}};
        check(program, {a}, {{b}}, DataType::kINT64, Layout::kLINEAR, 0.0);
        check(program, {a}, {{b}}, DataType::kINT32, Layout::kLINEAR, 0.0); // the low words
    }
    for (const PointwiseOp op : {PointwiseOp::kRELU, PointwiseOp::kABS, PointwiseOp::kNEG, PointwiseOp::kNOT, PointwiseOp::kSIGN}) {
        for (const DataType type : {DataType::kINT64, DataType::kINT32, DataType::kINT8, DataType::kUINT8, DataType::kBOOL}) {
            check({{{.op = op, .a = kValue}}}, {a}, {}, type, Layout::kLINEAR, 0.0);
        }
    }
}

TEST(Pointwise, WordsOfBytesReachOverSeveralAxes) {
    for (const std::vector<std::int64_t>& dims : {std::vector<std::int64_t>{1}, {3, 1, 5}, {2, 2, 1, 3}, {7, 3, 2}}) {
        std::vector<std::int64_t> ones(dims.size(), 1);
        ones.front() = dims.front(); // repeats along the others
        const Tensor x = random_tensor(DataType::kFLOAT, dims, 1), by = random_tensor(DataType::kFLOAT, ones, 2);
        const PointwiseProgram program{{{.op = PointwiseOp::kMUL, .a = kValue, .b = kImmediate, .immediate = 200.0f}, {.op = PointwiseOp::kADD, .a = slot(0), .b = operand(0)},
                                        {.op = PointwiseOp::kQUANTIZE, .a = slot(1), .b = kImmediate, .immediate = 1.0f}}};
        for (const DataType type : {DataType::kINT8, DataType::kUINT8}) {
            for (const Layout layout : {Layout::kLINEAR, Layout::kCHANNELS_LAST}) {
                if (layout == Layout::kCHANNELS_LAST && dims.size() < 3) continue;
                check(program, {x, layout}, {{by}}, type, Layout::kLINEAR, 0.0);
            }
        }
    }
}

TEST(Pointwise, BoundsThatStoringKeepsAnywayAreNotComputed) {
    const kernels::PointwiseSlot quantize{.op = PointwiseOp::kQUANTIZE, .a = kValue, .b = kImmediate, .immediate = 0.5f};
    const auto bound = [](PointwiseOp op, PointwiseArg a, float by) { return kernels::PointwiseSlot{.op = op, .a = a, .b = kImmediate, .immediate = by}; };
    const PointwiseProgram bytes{{quantize, bound(PointwiseOp::kMAX, slot(0), -128.0f), bound(PointwiseOp::kMIN, slot(1), 127.0f)}};
    EXPECT_EQ(tactics::stored_program(bytes, DataType::kINT8), (PointwiseProgram{{quantize}}));
    EXPECT_EQ(tactics::stored_program(bytes, DataType::kUINT8), bytes) << "127 is less than it holds";
    EXPECT_EQ(tactics::stored_program(bytes, DataType::kFLOAT), bytes);
    const PointwiseProgram four_bits{{quantize, bound(PointwiseOp::kMAX, slot(0), -8.0f), bound(PointwiseOp::kMIN, slot(1), 7.0f)}};
    EXPECT_EQ(tactics::stored_program(four_bits, DataType::kINT8), four_bits);
    const PointwiseProgram of_the_value{{quantize, bound(PointwiseOp::kMIN, kValue, 127.0f)}};
    EXPECT_EQ(tactics::stored_program(of_the_value, DataType::kINT8), of_the_value) << "its result is another one";
    const PointwiseProgram alone{{bound(PointwiseOp::kMAX, kValue, 0.0f), bound(PointwiseOp::kMIN, slot(0), 255.0f)}};
    EXPECT_TRUE(tactics::stored_program(alone, DataType::kUINT8).empty());
}

TEST(Pointwise, Int64NeedsNoFeatureAndGoesIntoPortablePlans) {
    tactics::Operation sum;
    sum.name = "sum";
    sum.kind = tactics::Pointwise{};
    sum.epilogue = {{{.op = PointwiseOp::kADD, .a = kValue, .b = operand(0)}}};
    OperationCase test(sum);
    test.add_input(filled(DataType::kINT64, {3}, {1.0, 2.0}), Layout::kLINEAR, false);
    test.add_operand(filled(DataType::kINT64, {3}, {1.0, 2.0}), Layout::kLINEAR);
    test.set_output(DataType::kINT64, {3}, Layout::kLINEAR);
    const auto all = test.candidates(vulkan::DeviceCaps{});
    EXPECT_TRUE(std::ranges::any_of(all, [](const auto& candidate) { return candidate.applicable() && candidate.portable; }));
}

TEST(Pointwise, RoundsToHalfInsideAChain) {
    const PointwiseProgram program{{{.op = PointwiseOp::kROUND_HALF, .a = kValue}, {.op = PointwiseOp::kSUB, .a = slot(0), .b = kValue}}};
    // Vulkan leaves open whether a half is rounded to nearest or towards zero: these lie a quarter of a unit or less beyond
    // a half, where both give the same.
    const Tensor x = filled(DataType::kFLOAT, {2, 8}, {0.0, 0x1.001p-4, -0x1.801p-2, 1.0, 2048.5, -77.015625, 0x1.001p-10, 0x1.a01p+1});
    check(program, {x}, {}, DataType::kFLOAT, Layout::kLINEAR, 0.0);
}

TEST(Pointwise, EveryIntegerOperationIsExactInInt32) {
    // Beyond 2^24, where a detour through float would show; without the quotients that overflow.
    const std::vector<std::int64_t> values = {0, 1, -1, 7, -7, 16777217, -16777219, 0x7fffffff, -0x7fffffff};
    const auto count = static_cast<std::int64_t>(values.size());
    Tensor a(DataType::kINT32, {count, 1});
    Tensor b(DataType::kINT32, {count});
    for (std::int64_t i = 0; i < count; ++i) {
        a.set_integer(i, values[static_cast<std::size_t>(i)]);
        b.set_integer(i, values[static_cast<std::size_t>(i)]);
    }
    // All for which the host computes in integers.
    for (const PointwiseOp op :
         {PointwiseOp::kADD, PointwiseOp::kSUB, PointwiseOp::kMUL, PointwiseOp::kDIV, PointwiseOp::kMAX, PointwiseOp::kMIN,
          PointwiseOp::kFLOOR_DIV, PointwiseOp::kEQUAL, PointwiseOp::kGREATER, PointwiseOp::kLESS, PointwiseOp::kAND, PointwiseOp::kOR,
          PointwiseOp::kXOR, PointwiseOp::kRELU, PointwiseOp::kABS, PointwiseOp::kNEG, PointwiseOp::kCEIL, PointwiseOp::kFLOOR,
          PointwiseOp::kNOT, PointwiseOp::kSIGN, PointwiseOp::kROUND, PointwiseOp::kTRUNC, PointwiseOp::kSELECT}) {
        const PointwiseProgram program{{{.op = op, .a = kValue, .b = operand(0), .c = operand(1)}}};
        SCOPED_TRACE(kernels::str(program));
        check(program, {a}, {{b}, {a}}, DataType::kINT32, Layout::kLINEAR, 0.0);
        check(program, {a}, {{b}, {a}}, DataType::kBOOL, Layout::kLINEAR, 0.0);
    }
}

TEST(Pointwise, SelectsBetweenFloatsByABool) {
    const PointwiseProgram program{{{.op = PointwiseOp::kSELECT, .a = kValue, .b = operand(0), .c = operand(1)}}};
    check(program, {filled(DataType::kBOOL, {3, 5}, {0.0, 1.0, 1.0})},
          {{random_tensor(DataType::kFLOAT, {5}, 1)}, {random_tensor(DataType::kFLOAT, {3, 1}, 2)}}, DataType::kFLOAT, Layout::kLINEAR, 0.0);
}

TEST(Pointwise, HalvesAreComputedInFloat) {
    const PointwiseProgram program{{{.op = PointwiseOp::kMUL, .a = kValue, .b = operand(0)}}};
    const auto ran = check(program, {random_tensor(DataType::kHALF, {2, 8, 3, 3}, 1), kLast}, {{random_tensor(DataType::kFLOAT, {8, 1, 1}, 2)}},
                           DataType::kHALF, kLast, float_tolerance(1, DataType::kHALF));
    EXPECT_EQ(ran.size(), vulkan::Device::current()->caps().fp16_storage ? 2u : 1u) << "of which only the one of words needs no storage of halves";
}

} // namespace
} // namespace tensorvk::test
