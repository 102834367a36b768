// cpu/pointwise against evaluate(), in every type: what a stranger's plan may say included.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/pointwise.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {
namespace {

using Kind = PointwiseArg::Kind;
constexpr PointwiseArg kValue{Kind::kVALUE, 0}, kOperand{Kind::kOPERAND, 0};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

//! What a run leaves in `out` for one tensor that lies as the output does.
template <typename Out, typename In>
std::vector<Out> computed(const PointwiseProgram& program, const std::vector<In>& in, Word in_type, Word out_type, Arithmetic arithmetic = Arithmetic::kFLOAT) {
    std::vector<Out> out(in.size());
    PointwiseTask task{program, {static_cast<std::int64_t>(in.size())}, {{in.data(), {1}, in_type}}, out.data(), out_type, arithmetic};
    pointwise_run(std::move(task))();
    return out;
}

bool is_operation(const PointwiseProgram& program) {
    try {
        return !str(program).empty();
    } catch (const Error&) {
        return false;
    }
}

class Sizes : public testing::TestWithParam<int> {};

TEST_P(Sizes, EveryOperationIsWhatTheReferenceSays) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> numbers(0.1f, 0.9f); // inside of every operation's domain
    const auto n = static_cast<std::size_t>(GetParam());
    std::vector<float> a(n), b(n), out(n);
    for (std::size_t i = 0; i < n; ++i) {
        a[i] = numbers(random);
        b[i] = numbers(random);
    }
    for (int op = 0; op <= static_cast<int>(PointwiseOp::kQUANTIZE); ++op) {
        const PointwiseProgram program{{{static_cast<PointwiseOp>(op), kValue, kOperand, kValue, 0.0f}}};
        if (!is_operation(program)) continue; // the numbers have gaps
        const auto count = static_cast<std::int64_t>(n);
        pointwise_run({program, {count}, {{a.data(), {1}}, {b.data(), {1}}}, out.data()})();
        for (std::size_t i = 0; i < n; ++i) {
            const double operands[] = {b[i], 0, 0, 0};
            const double want = evaluate(program, a[i], operands);
            // Polynomials of float32: a few units in the last place; acosh is not a number here, on both sides.
            if (std::isnan(want) && std::isnan(out[i])) continue;
            EXPECT_NEAR(out[i], want, 2e-6 * std::max(1.0, std::abs(want))) << str(program) << " of " << a[i];
        }
    }
}

INSTANTIATE_TEST_SUITE_P(CpuPointwise, Sizes, testing::Values(1, 3, 17, 33, 513, 5000));

TEST(CpuPointwise, TensorsRepeatAlongAxesAndMayLieInAnotherOrder) {
    const std::vector<float> matrix{0, 1, 2, 3, 4, 5}, row{10, 20, 30};
    std::vector<float> out(6);
    const PointwiseProgram sum{{{PointwiseOp::kADD, kValue, kOperand, {}, 0.0f}}};
    pointwise_run({sum, {2, 3}, {{matrix.data(), {3, 1}}, {row.data(), {0, 1}}}, out.data()})();
    EXPECT_EQ(out, (std::vector<float>{10, 21, 32, 13, 24, 35}));
    pointwise_run({sum, {3, 2}, {{matrix.data(), {1, 3}}, {row.data(), {1, 0}}}, out.data()})();
    EXPECT_EQ(out, (std::vector<float>{10, 13, 21, 24, 32, 35}));
}

class TurnedTensors : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {};

// Two pictures of channels by places, wanted with the channels last.
TEST_P(TurnedTensors, AreReadInTheOutputsOrder) {
    const auto [places, channels] = GetParam();
    std::vector<float> x(static_cast<std::size_t>(2 * places * channels)), out(x.size());
    std::vector<std::uint8_t> bytes(x.size()), bytes_out(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<float>(i);
        bytes[i] = static_cast<std::uint8_t>(i * 7);
    }
    const std::vector<std::int64_t> extents{2, places, channels}, strides{places * channels, 1, places};
    const PointwiseProgram twice{{{PointwiseOp::kADD, kValue, kOperand, {}, 0.0f}}};
    pointwise_run({twice, extents, {{x.data(), strides}, {x.data(), strides}}, out.data()})();
    pointwise_run({{}, extents, {{bytes.data(), strides, Word::kU8}}, bytes_out.data(), Word::kU8})();
    std::size_t at = 0;
    for (std::int64_t n = 0; n < 2; ++n) {
        for (std::int64_t place = 0; place < places; ++place) {
            for (std::int64_t channel = 0; channel < channels; ++channel, ++at) {
                const auto from = static_cast<std::size_t>((n * channels + channel) * places + place);
                ASSERT_EQ(out[at], 2 * x[from]) << "element " << at;
                ASSERT_EQ(bytes_out[at], bytes[from]) << "element " << at;
            }
        }
    }
}

constexpr std::pair<std::int64_t, std::int64_t> kTurned[] = {{1, 3}, {3, 1}, {7, 5}, {17, 33}, {64, 3}, {513, 2}, {1000, 3}, {40, 130}, {5, 400}, {3, 700}};
INSTANTIATE_TEST_SUITE_P(CpuPointwise, TurnedTensors, testing::ValuesIn(kTurned));

TEST(CpuPointwise, StoresCutOffAndStayInsideTheType) {
    const std::vector<float> x{-1.9f, 1.9f, 300.0f, -300.0f, kNan, kInfinity, -kInfinity, 3e9f, 1e19f};
    constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max(), least = std::numeric_limits<std::int32_t>::min();
    constexpr std::int64_t longest = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(computed<std::int8_t>({}, x, Word::kF32, Word::kI8), (std::vector<std::int8_t>{-1, 1, 127, -128, 0, 127, -128, 127, 127}));
    EXPECT_EQ(computed<std::uint8_t>({}, x, Word::kF32, Word::kU8), (std::vector<std::uint8_t>{0, 1, 255, 0, 0, 255, 0, 255, 255}));
    EXPECT_EQ(computed<std::int32_t>({}, x, Word::kF32, Word::kI32), (std::vector<std::int32_t>{-1, 1, 300, -300, 0, most, least, most, most}));
    EXPECT_EQ(computed<std::int64_t>({}, x, Word::kF32, Word::kI64),
              (std::vector<std::int64_t>{-1, 1, 300, -300, 0, longest, -longest - 1, 3000000000, longest}));
    EXPECT_EQ(computed<std::uint8_t>({}, x, Word::kF32, Word::kBOOL), (std::vector<std::uint8_t>{1, 1, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(CpuPointwise, EveryHalfIsReadAndWrittenAsItIs) {
    std::vector<std::uint16_t> halves(65536);
    for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
    const std::vector<float> floats = computed<float>({}, halves, Word::kF16, Word::kF32);
    const std::vector<std::uint16_t> back = computed<std::uint16_t>({}, floats, Word::kF32, Word::kF16);
    for (std::size_t i = 0; i < halves.size(); ++i) {
        const float want = half_to_float(halves[i]);
        if (std::isnan(want)) {
            EXPECT_TRUE(std::isnan(floats[i]) && std::isnan(half_to_float(back[i]))) << i;
        } else {
            EXPECT_EQ(floats[i], want) << i;
            EXPECT_EQ(back[i], halves[i]) << i;
        }
    }
}

TEST(CpuPointwise, FloatsBecomeTheNearestHalf) {
    std::mt19937 random(3);
    std::vector<float> x{65519.0f, 65520.0f, 1e-8f, 2.98e-8f, 3e-8f, 6.1e-5f, 1.0f + 0.00048828125f, 1.0f + 3 * 0.00048828125f, -0.0f};
    for (int i = 0; i < 10000; ++i) x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random()) & 0xbfffffffU));
    const std::vector<std::uint16_t> halves = computed<std::uint16_t>({}, x, Word::kF32, Word::kF16);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(halves[i], float_to_half(x[i])) << x[i];
}

TEST(CpuPointwise, IntegersAreExactAndWrap) {
    const std::vector<std::int32_t> x{16777217, 2147483647, -2147483647 - 1, 7, -7};
    const auto with = [&](PointwiseOp op, float number) {
        const PointwiseProgram program{{{op, kValue, {Kind::kIMMEDIATE, 0}, {}, number}}};
        return computed<std::int32_t>(program, x, Word::kI32, Word::kI32, Arithmetic::kINT);
    };
    EXPECT_EQ(with(PointwiseOp::kADD, 1), (std::vector<std::int32_t>{16777218, -2147483647 - 1, -2147483647, 8, -6}));
    EXPECT_EQ(with(PointwiseOp::kMUL, 3), (std::vector<std::int32_t>{50331651, 2147483645, -2147483647 - 1, 21, -21}));
    EXPECT_EQ(with(PointwiseOp::kDIV, -1), (std::vector<std::int32_t>{-16777217, -2147483647, -2147483647 - 1, -7, 7})) << "the least number stays";
    EXPECT_EQ(with(PointwiseOp::kDIV, 0), (std::vector<std::int32_t>{0, 0, 0, 0, 0}));
    EXPECT_EQ(with(PointwiseOp::kFLOOR_DIV, 2), (std::vector<std::int32_t>{8388608, 1073741823, -1073741824, 3, -4}));
    const std::vector<std::int64_t> wide{(std::int64_t{1} << 53) + 1, -5};
    const PointwiseProgram twice{{{PointwiseOp::kADD, kValue, kValue, {}, 0.0f}}};
    EXPECT_EQ(computed<std::int64_t>(twice, wide, Word::kI64, Word::kI64, Arithmetic::kLONG), (std::vector<std::int64_t>{(std::int64_t{1} << 54) + 2, -10}));
}

//! A step over two tensors of four numbers, with some constants of its own.
class Plan {
public:
    Plan() {
        geometry(0, 1);
        geometry(1, 1);
    }
    Plan& geometry(std::uint32_t index, std::int32_t value) {
        step_.spec.push_back({plan::kSpecGeometry + index, value});
        return *this;
    }
    void prepare(std::vector<std::int64_t> params) {
        std::vector<float> x(4, 1.0f), y(4);
        const std::vector<std::span<std::byte>> memory{std::as_writable_bytes(std::span(x)), std::as_writable_bytes(std::span(y))};
        Keep keep;
        prepare_pointwise({step_, params, memory, keep})();
    }

private:
    plan::Step step_;
};

TEST(CpuPointwise, APlanThatSaysWhatCannotBeIsRefused) {
    EXPECT_NO_THROW(Plan().prepare({4, 1}));
    EXPECT_NO_THROW(Plan().prepare({0, 1})) << "nothing to do";
    EXPECT_THROW(Plan().prepare({5, 1}), InvalidPlan) << "more elements than bytes";
    EXPECT_THROW(Plan().prepare({4, 2}), InvalidPlan) << "the last element lies behind the tensor";
    EXPECT_THROW(Plan().prepare({4, -1}), InvalidPlan);
    EXPECT_THROW(Plan().prepare({4}), InvalidPlan) << "a parameter is missing";
    EXPECT_THROW(Plan().prepare({-4, 1}), Error);
    EXPECT_THROW(Plan().geometry(2, 9).prepare({4, 1}), InvalidPlan) << "no such type";
    EXPECT_THROW(Plan().geometry(2, 4).prepare({4, 1}), InvalidPlan) << "int64 takes twice the bytes";
    EXPECT_THROW(Plan().geometry(3, 3).prepare({4, 1}), InvalidPlan) << "no such arithmetic";
    EXPECT_THROW(Plan().geometry(3, 1).prepare({4, 1}), InvalidPlan) << "integers stored as floats";
}

} // namespace
} // namespace tensorvk::kernels::cpu
