// Loops over chunks for every instruction set that this processor has, against double precision.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu/chunk.hpp"
#include "kernels/cpu/isa.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

#define TVK_CHUNKS(isa)                                                                       \
    namespace isa {                                                                           \
    void run_chunk(const ChunkTask<float>& task);                                             \
    void load_chunk(Word type, const void* from, std::int64_t stride, int count, float* out); \
    void softmax_rows(const SoftmaxTask& task);                                               \
    }
TVK_CHUNKS(isa_avx512)
TVK_CHUNKS(isa_avx2)
TVK_CHUNKS(isa_any)

namespace {

struct Loops {
    const char* name;
    ChunkFunctions<float> chunk;
    SoftmaxFunction softmax;
};

std::vector<Loops> of_this_processor() {
    std::vector<Loops> all{{"any", {isa_any::run_chunk, isa_any::load_chunk}, isa_any::softmax_rows}};
    if (best_isa() >= Isa::kAVX2) all.push_back({"avx2", {isa_avx2::run_chunk, isa_avx2::load_chunk}, isa_avx2::softmax_rows});
    if (best_isa() >= Isa::kAVX512) all.push_back({"avx512", {isa_avx512::run_chunk, isa_avx512::load_chunk}, isa_avx512::softmax_rows});
    return all;
}

//! Numbers in the range, which is the operation's domain or a part of it.
struct Domain {
    PointwiseOp op;
    float least, most;
};

Domain domain_of(PointwiseOp op) {
    switch (op) {
    case PointwiseOp::kLOG:
    case PointwiseOp::kSQRT: return {op, 1e-6f, 100.0f};
    case PointwiseOp::kASIN:
    case PointwiseOp::kACOS:
    case PointwiseOp::kATANH: return {op, -0.95f, 0.95f};
    case PointwiseOp::kACOSH: return {op, 1.01f, 50.0f};
    case PointwiseOp::kPOW: return {op, 0.05f, 4.0f};
    case PointwiseOp::kTAN: return {op, -1.4f, 1.4f};
    case PointwiseOp::kRECIP: return {op, 0.05f, 10.0f};
    default: return {op, -6.0f, 6.0f};
    }
}

bool is_operation(PointwiseOp op) {
    try {
        return arity(op) > 0 && !str(PointwiseProgram{{{op, {}, {}, {}, 0.0f}}}).empty();
    } catch (const Error&) {
        return false; // the numbers have gaps
    }
}

//! The second argument an operand, or a number of the program, which has loops of its own.
class Chunks : public testing::TestWithParam<bool> {};

TEST_P(Chunks, EveryOperationOverItsDomain) {
    constexpr PointwiseArg kValue{PointwiseArg::Kind::kVALUE, 0}, kOperand{PointwiseArg::Kind::kOPERAND, 0}, kNumber{PointwiseArg::Kind::kIMMEDIATE, 0};
    constexpr float kImmediate = 1.75f;
    std::mt19937 random(5);
    for (const Loops& loops : of_this_processor()) {
        for (int number = 0; number <= static_cast<int>(PointwiseOp::kQUANTIZE); ++number) {
            const auto op = static_cast<PointwiseOp>(number);
            if (!is_operation(op)) continue;
            const Domain domain = domain_of(op);
            std::uniform_real_distribution<float> numbers(domain.least, domain.most), divisors(0.5f, 3.0f);
            for (const int count : {1, 17, 33, kChunk}) {
                alignas(64) float a[kChunk], b[kChunk], out[kChunk];
                for (int i = 0; i < count; ++i) {
                    a[i] = numbers(random);
                    b[i] = GetParam() ? kImmediate : divisors(random);
                }
                const PointwiseProgram program{{{op, kValue, GetParam() ? kNumber : kOperand, kValue, GetParam() ? kImmediate : 0.0f}}};
                ChunkMemory<float> memory;
                ChunkTask<float> task;
                task.slots = program.slots.data();
                task.slot_count = 1;
                task.count = count;
                task.value = a;
                task.operands[0] = b;
                task.out = out;
                task.memory = &memory;
                loops.chunk.run(task);
                for (int i = 0; i < count; ++i) {
                    const double operands[] = {b[i], 0, 0, 0};
                    const double want = evaluate(program, a[i], operands);
                    // Polynomials of float32: a few units in the last place of the larger of result and argument.
                    ASSERT_NEAR(out[i], want, 4e-6 * std::max({1.0, std::abs(want), std::abs(static_cast<double>(a[i]))}))
                        << loops.name << ": " << str(program) << " of " << a[i] << " and " << b[i];
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(SecondArgument, Chunks, testing::Bool(), [](const auto& test) { return test.param ? "number" : "operand"; });

TEST(SoftmaxRows, OfShortAndLongRows) {
    std::mt19937 random(3);
    std::uniform_real_distribution<float> numbers(-30.0f, 30.0f);
    for (const Loops& loops : of_this_processor()) {
        for (const std::int64_t length : {1, 3, 33, 512, 513, 1025, 5000}) {
            for (const bool log : {false, true}) {
                std::vector<float> x(static_cast<std::size_t>(2 * length)), y(x.size());
                for (float& each : x) each = numbers(random);
                loops.softmax({.x = x.data(), .y = y.data(), .rows = 2, .length = length, .log = log});
                for (std::int64_t row = 0; row < 2; ++row) {
                    const std::vector<double> from(x.begin() + row * length, x.begin() + (row + 1) * length);
                    const double largest = *std::ranges::max_element(from);
                    double sum = 0.0;
                    for (const double each : from) sum += std::exp(each - largest);
                    for (std::int64_t i = 0; i < length; ++i) {
                        const double difference = from[static_cast<std::size_t>(i)] - largest;
                        const double want = log ? difference - std::log(sum) : std::exp(difference) / sum;
                        ASSERT_NEAR(y[static_cast<std::size_t>(row * length + i)], want, log ? 1e-5 : 1e-6) << loops.name << ": " << i << " of " << length;
                    }
                }
            }
        }
    }
}

//! Numbers of every kind, a store past the last of them would show.
TEST(Chunks, QuantizeToTheBytesOfDivision) {
    std::vector<float> x{std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), 1e30f, -1e30f, 0.0f, -0.0f, 1e-40f};
    for (int i = -300; i < 300 && x.size() < kChunk; ++i) x.push_back(static_cast<float>(i) * 0.25f); // ties, and beyond the bytes
    ChunkMemory<float> memory;
    for (const Loops& loops : of_this_processor()) {
        for (const Word type : {Word::kI8, Word::kU8}) {
            for (const float scale : {0.5f, 0.37f}) {
                for (const int count : {1, 15, 16, 17, 33, static_cast<int>(x.size())}) {
                    const PointwiseSlot slot{PointwiseOp::kQUANTIZE, {PointwiseArg::Kind::kVALUE, 0}, {PointwiseArg::Kind::kIMMEDIATE, 0}, {}, scale};
                    std::vector<std::uint8_t> out(x.size() + 1, 99);
                    loops.chunk.run({.slots = &slot, .slot_count = 1, .count = count, .value = x.data(), .out = out.data(), .out_type = type, .memory = &memory});
                    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
                        const float nearest = std::nearbyint(x[i] / scale);
                        const float least = type == Word::kI8 ? -128.0f : 0.0f, most = type == Word::kI8 ? 127.0f : 255.0f;
                        const int expected = std::isnan(nearest) ? 0 : static_cast<int>(std::clamp(nearest, least, most));
                        const int actual = type == Word::kI8 ? static_cast<std::int8_t>(out[i]) : out[i];
                        EXPECT_EQ(actual, expected) << loops.name << ": " << x[i] << " / " << scale;
                    }
                    EXPECT_EQ(out[static_cast<std::size_t>(count)], 99) << loops.name << " of " << count;
                }
            }
        }
    }
}

} // namespace
} // namespace tensorvk::kernels::cpu
