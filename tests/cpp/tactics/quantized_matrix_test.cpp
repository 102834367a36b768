// Matrix products of 8-bit integers, and rounding: every tactic gives the bytes of plain integer arithmetic.
#include <cmath>

#include <gtest/gtest.h>

#include "tactics/quantized_case.hpp"

namespace tensorvk::test {
namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;
using tactics::Layout;

struct MatrixCase {
    std::string name;
    std::int64_t batch = 1, m = 1, k = 1, n = 1;
    bool transpose_a = false, transpose_b = false, batched_b = false;
    tactics::ZeroPoints zero{};
    DataType a_type = DataType::kINT8, b_type = DataType::kINT8;
};

std::ostream& operator<<(std::ostream& out, const MatrixCase& c) { return out << c.name; }

class QuantizedMatrixTactics : public testing::TestWithParam<MatrixCase> {};

TEST_P(QuantizedMatrixTactics, GiveTheBytesOfIntegerArithmetic) {
    const MatrixCase& c = GetParam();
    const Tensor a = random_bytes(c.a_type, {c.batch, c.transpose_a ? c.k : c.m, c.transpose_a ? c.m : c.k}, 1);
    std::vector<std::int64_t> b_dims{c.transpose_b ? c.n : c.k, c.transpose_b ? c.k : c.n};
    if (c.batched_b) b_dims.insert(b_dims.begin(), c.batch);
    const Tensor b = random_bytes(c.b_type, b_dims, 2);
    for (const DataType type : {DataType::kINT32, DataType::kINT8}) {
        tactics::Operation op;
        op.name = c.name;
        op.kind = tactics::MatrixProduct{c.transpose_a, c.transpose_b, c.zero};
        const PointwiseArg immediate{PointwiseArg::Kind::kIMMEDIATE, 0};
        if (type == DataType::kINT8) {
            op.epilogue.slots = {{PointwiseOp::kQUANTIZE, {}, immediate, {}, 123.0f},
                                 {PointwiseOp::kMAX, {PointwiseArg::Kind::kVALUE, 1}, immediate, {}, -128.0f},
                                 {PointwiseOp::kMIN, {PointwiseArg::Kind::kVALUE, 2}, immediate, {}, 127.0f}};
        }
        OperationCase operation(std::move(op));
        operation.add_input(a, Layout::kLINEAR, false);
        operation.add_input(b, Layout::kLINEAR, !c.batched_b);
        Tensor expected(type, {c.batch, c.m, c.n});
        operation.set_output(type, expected.dims, Layout::kLINEAR);
        for (std::int64_t i = 0; i < expected.volume(); ++i) {
            const std::vector<std::int64_t> at = place_of(i, expected.dims);
            std::int64_t sum = 0;
            for (std::int64_t k = 0; k < c.k; ++k) {
                const std::int64_t ai = index_of({at[0], c.transpose_a ? k : at[1], c.transpose_a ? at[1] : k}, a.dims);
                const std::int64_t row = c.transpose_b ? at[2] : k;
                const std::int64_t column = c.transpose_b ? k : at[2];
                const std::int64_t bi = ((c.batched_b ? at[0] * b_dims[1] : 0) + row) * b_dims.back() + column;
                sum += (a.get_integer(ai) - c.zero.x) * (b.get_integer(bi) - c.zero.weights);
            }
            if (type == DataType::kINT32) {
                expected.set_integer(i, sum);
            } else {
                expected.set(i, std::clamp(static_cast<double>(std::nearbyint(static_cast<float>(sum) / 123.0f)), -128.0, 127.0));
            }
        }
        (void)check_all(operation, {expected}, 0.0); // integers are equal or wrong
        const int dots = check_dots(operation, expected);
        if (c.name == "fours" && has_dots()) { EXPECT_GT(dots, 0); }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, QuantizedMatrixTactics,
    testing::Values(MatrixCase{.name = "one_element"}, MatrixCase{.name = "odd", .batch = 3, .m = 5, .k = 17, .n = 33},
                    MatrixCase{.name = "fours", .m = 33, .k = 64, .n = 48, .zero = {3, 0}},
                    MatrixCase{.name = "transposed_b", .batch = 3, .m = 7, .k = 20, .n = 12, .transpose_b = true},
                    MatrixCase{.name = "transposed_a", .m = 9, .k = 12, .n = 16, .transpose_a = true, .zero = {-5, 6}},
                    MatrixCase{.name = "one_term_of_a_transposed_batch", .batch = 3, .m = 4, .k = 1, .n = 6, .transpose_a = true},
                    MatrixCase{.name = "nothing_to_add", .m = 3, .k = 0, .n = 5},
                    MatrixCase{.name = "more_than_a_block", .m = 260, .k = 33, .n = 70, .transpose_b = true, .zero = {7, 0}, .a_type = DataType::kUINT8},
                    MatrixCase{.name = "batches", .batch = 3, .m = 5, .k = 8, .n = 7, .transpose_b = true, .batched_b = true},
                    MatrixCase{.name = "long_sums", .m = 3, .k = 4096, .n = 8, .zero = {255, 128}, .a_type = DataType::kUINT8,
                               .b_type = DataType::kUINT8}),
    [](const auto& shape) { return shape.param.name; });

// Quotients at and next to ties: the float32 quotient decides, which devices' own divisions miss by a few units in the last place.
TEST(Quantization, RoundsAsIeeeDivisionDoes) {
    constexpr std::int64_t kCount = 20003;
    std::mt19937 random(7);
    Tensor x(DataType::kFLOAT, {kCount}), scale(DataType::kFLOAT, {kCount}), expected(DataType::kINT8, {kCount});
    for (std::int64_t i = 0; i < kCount; ++i) {
        const float s = std::ldexp(std::uniform_real_distribution<float>(0.5f, 1.0f)(random), static_cast<int>(random() % 16) - 10);
        const float tie = static_cast<float>(static_cast<int>(random() % 260) - 130) + 0.5f;
        float value = s * tie;
        for (std::uint32_t ulps = random() % 4; ulps > 0; --ulps) value = std::nextafterf(value, random() % 2 == 0 ? 1e30f : -1e30f);
        x.as<float>()[static_cast<std::size_t>(i)] = value;
        scale.as<float>()[static_cast<std::size_t>(i)] = s;
        expected.set(i, std::clamp(static_cast<double>(std::nearbyint(value / s)), -128.0, 127.0));
    }
    tactics::Operation op;
    op.name = "quantize";
    op.kind = tactics::Pointwise{};
    const PointwiseArg immediate{PointwiseArg::Kind::kIMMEDIATE, 0};
    op.epilogue.slots = {{PointwiseOp::kQUANTIZE, {}, {PointwiseArg::Kind::kOPERAND, 0}, {}, 0.0f},
                         {PointwiseOp::kMAX, {PointwiseArg::Kind::kVALUE, 1}, immediate, {}, -128.0f},
                         {PointwiseOp::kMIN, {PointwiseArg::Kind::kVALUE, 2}, immediate, {}, 127.0f}};
    OperationCase operation(std::move(op));
    operation.add_input(x, Layout::kLINEAR, false);
    operation.add_operand(scale, Layout::kLINEAR);
    operation.set_output(DataType::kINT8, {kCount}, Layout::kLINEAR);
    (void)check_all(operation, {expected}, 0.0); // integers are equal or wrong
}

} // namespace
} // namespace tensorvk::test
