// Every matrix product tactic that this device has, over odd shapes, against the host's reference.
#include "kernels/host/matrix.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tactics/check.hpp"
#include "tactics/tensor_bytes.hpp"

namespace tensorvk::test {
namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;
using tactics::Layout;

using Dims = std::vector<std::int64_t>;

struct Case {
    std::string name;
    Dims a, b;
    bool transpose_a = false, transpose_b = false;
    bool constant_b = true;
    bool bias = false;
    Dims operand{}; // added and clamped at zero when not empty
    DataType a_type = DataType::kFLOAT, b_type = DataType::kFLOAT, out_type = DataType::kFLOAT;
    bool dynamic = false; // the first dimension
    bool squared = false; // a program that is no chain
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.name;
}

Tensor widened(const Tensor& tensor) {
    Tensor wide(DataType::kFLOAT, tensor.dims);
    for (std::int64_t i = 0; i < tensor.volume(); ++i) wide.set(i, tensor.get(i));
    return wide;
}

struct Built {
    OperationCase operation;
    Tensor expected;
    std::int64_t terms;
};

Built build(const Case& c) {
    tactics::Operation op;
    op.name = c.name;
    op.kind = tactics::MatrixProduct{c.transpose_a, c.transpose_b};
    op.has_bias = c.bias;
    if (!c.operand.empty()) {
        op.epilogue = {{{.op = PointwiseOp::kADD, .b = {PointwiseArg::Kind::kOPERAND, 0}},
                        {.op = PointwiseOp::kRELU, .a = {PointwiseArg::Kind::kVALUE, 1}}}};
    }
    if (c.squared) op.epilogue = {{{.op = PointwiseOp::kMUL}}};
    OperationCase operation(std::move(op));
    const Tensor a = random_tensor(c.a_type, c.a, 1);
    const Tensor b = random_tensor(c.b_type, c.b, 2);
    const Tensor bias = random_tensor(DataType::kFLOAT, {c.transpose_b ? c.b[c.b.size() - 2] : c.b.back()}, 3);
    const Tensor y =
        kernels::host::matrix_product(widened(a), widened(b), c.transpose_a, c.transpose_b, c.bias ? &bias : nullptr);
    operation.add_input(a, Layout::kLINEAR, false);
    operation.add_input(b, Layout::kLINEAR, c.constant_b);
    if (c.bias) operation.add_input(bias, Layout::kLINEAR, true);
    if (!c.operand.empty()) operation.add_operand(random_tensor(c.out_type, c.operand, 4), Layout::kLINEAR);
    operation.set_output(c.out_type, y.dims, Layout::kLINEAR);
    if (c.dynamic) operation.make_dynamic(0);
    const Tensor expected = operation.finish(y);
    return {std::move(operation), expected, c.a[c.a.size() - (c.transpose_a ? 2 : 1)]};
}

class MatrixTactics : public testing::TestWithParam<Case> {};

TEST_P(MatrixTactics, AgreeWithTheHostReference) {
    const Case& c = GetParam();
    const auto device = vulkan::Device::by_index(0);
    const auto touches = [&](DataType type) { return c.a_type == type || c.b_type == type || c.out_type == type; };
    const bool half = touches(DataType::kHALF), bfloat = touches(DataType::kBF16);
    if (half && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    if (bfloat && !device->caps().host_kernels) GTEST_SKIP() << "only the host computes with bfloat16";
    // As for convolutions: sqrt(K) roundings of a float, or one of a half (2^-11) in the result and in packed weights.
    const auto built = build(c);
    const double tolerance = bfloat ? kBfloatTolerance : half ? 2e-3 : 1e-6 * std::sqrt(static_cast<double>(built.terms)) + 1e-7;
    RunsAnywhere anywhere(device->caps());
    for (const tactics::Candidate& candidate : built.operation.candidates(device->caps())) {
        if (!candidate.applicable()) {
            EXPECT_TRUE(bfloat || candidate.name != "matrix/generic") << candidate.refusal;
            continue;
        }
        OperationCase::Prepared prepared = built.operation.prepare(device, candidate);
        anywhere.note(prepared);
        prepared.runner->run();
        EXPECT_LT(relative_error(built.operation.output(prepared), built.expected), tolerance) << candidate.name;
    }
    anywhere.expect();
}

// Products of few rows on GPUs run on any device, only not fast.
class FewRowsForGpus : public MatrixTactics {};

TEST_P(FewRowsForGpus, AgreeWithTheHostReference) {
    const Case& c = GetParam();
    const auto device = vulkan::Device::by_index(0);
    if (c.a_type == DataType::kHALF && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    const Built built = build(c);
    vulkan::DeviceCaps caps = device->caps();
    caps.is_cpu = false;
    int applicable = 0;
    for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
        if (!candidate.applicable() || !candidate.name.starts_with("matrix/vector_")) continue;
        ++applicable;
        const double tolerance = c.a_type == DataType::kHALF ? 2e-3 : 1e-6 * std::sqrt(static_cast<double>(built.terms)) + 1e-7;
        EXPECT_LT(relative_error(built.operation.run(device, candidate), built.expected), tolerance) << candidate.name;
    }
    EXPECT_GE(applicable, 1);
}

const Case kFewRows[] = {
    {.name = "one_element", .a = {1, 1}, .b = {1, 1}},
    {.name = "classifier", .a = {1, 1280}, .b = {1000, 1280}, .transpose_b = true, .bias = true, .a_type = DataType::kHALF},
    {.name = "odd", .a = {3, 129}, .b = {129, 33}, .bias = true, .operand = {3, 33}},
    {.name = "transposed", .a = {40, 2}, .b = {40, 17}, .transpose_a = true, .operand = {17}},
    {.name = "of_a_batch", .a = {2, 5, 64}, .b = {64, 36}, .operand = {36}, .a_type = DataType::kHALF, .out_type = DataType::kHALF},
    {.name = "sixteen_rows_squared", .a = {16, 20}, .b = {20, 8}, .squared = true},
};
INSTANTIATE_TEST_SUITE_P(Shapes, FewRowsForGpus, testing::ValuesIn(kFewRows), [](const auto& shape) { return shape.param.name; });

const Case kCases[] = {
    {.name = "one_element", .a = {1, 1}, .b = {1, 1}},
    {.name = "one_row_fully_connected", .a = {1, 42}, .b = {42, 10}, .bias = true},
    {.name = "gemm_transposed_b", .a = {3, 64}, .b = {17, 64}, .transpose_b = true, .bias = true},
    {.name = "gemm_transposed_a", .a = {33, 17}, .b = {33, 8}, .transpose_a = true},
    {.name = "both_transposed_odd",
     .a = {33, 17},
     .b = {7, 33},
     .transpose_a = true,
     .transpose_b = true,
     .bias = true},
    {.name = "many_rows", .a = {130, 36}, .b = {36, 20}, .operand = {130, 20}},
    {.name = "batch_times_matrix", .a = {3, 17, 33}, .b = {33, 16}, .operand = {16}},
    {.name = "batch_times_batch", .a = {3, 17, 8}, .b = {3, 8, 9}, .constant_b = false},
    {.name = "broadcast_both_ways", .a = {3, 1, 5, 8}, .b = {2, 8, 7}, .constant_b = false, .operand = {3, 2, 5, 7}},
    {.name = "operand_per_row", .a = {2, 5, 8}, .b = {8, 7}, .operand = {5, 1}},
    {.name = "dynamic_second_factor", .a = {9, 16}, .b = {16, 12}, .constant_b = false},
    {.name = "dynamic_rows", .a = {3, 17, 32}, .b = {32, 24}, .bias = true, .operand = {3, 17, 24}, .dynamic = true},
    {.name = "half",
     .a = {70, 64},
     .b = {64, 32},
     .bias = true,
     .operand = {70, 32},
     .a_type = DataType::kHALF,
     .out_type = DataType::kHALF},
    {.name = "half_both",
     .a = {2, 5, 17},
     .b = {2, 17, 9},
     .constant_b = false,
     .a_type = DataType::kHALF,
     .b_type = DataType::kHALF,
     .out_type = DataType::kHALF},
    {.name = "one_row_of_many", .a = {1, 1027}, .b = {1027, 301}, .bias = true, .operand = {301}},
    {.name = "few_rows_in_place", .a = {3, 65}, .b = {65, 77}, .constant_b = false, .operand = {3, 77}},
    {.name = "few_rows_transposed_in_place", .a = {2, 65}, .b = {77, 65}, .transpose_b = true, .constant_b = false},
    {.name = "more_rows_than_a_block", .a = {500, 130}, .b = {130, 70}, .operand = {500, 70}},
    {.name = "more_columns_than_a_piece", .a = {9, 40}, .b = {40, 601}, .operand = {601}},
    {.name = "attention_scores", .a = {2, 3, 33, 16}, .b = {2, 3, 33, 16}, .transpose_b = true, .constant_b = false, .operand = {2, 1, 1, 33}},
    {.name = "constant_batches", .a = {3, 17, 8}, .b = {3, 8, 9}, .bias = true},
    {.name = "half_second_factor", .a = {5, 33}, .b = {33, 17}, .b_type = DataType::kHALF},
    {.name = "half_second_factor_transposed_dynamic", .a = {5, 33}, .b = {17, 33}, .transpose_b = true, .constant_b = false, .b_type = DataType::kHALF},
    {.name = "one_term_of_a_transposed_batch", .a = {3, 1, 4}, .b = {1, 6}, .transpose_a = true, .bias = true},
    {.name = "one_term_in_place", .a = {2, 1, 9}, .b = {1, 5}, .transpose_a = true, .constant_b = false},
    {.name = "one_row_of_a_transposed_factor", .a = {5, 1}, .b = {1, 5}, .transpose_a = true, .transpose_b = true},
    {.name = "squared", .a = {3, 17}, .b = {17, 33}, .bias = true, .squared = true},
    {.name = "nothing_to_add", .a = {3, 0}, .b = {0, 5}, .bias = true, .operand = {3, 5}},
    {.name = "no_rows", .a = {0, 8}, .b = {8, 4}},
};

INSTANTIATE_TEST_SUITE_P(Shapes, MatrixTactics, testing::ValuesIn(kCases),
                         [](const auto& shape) { return shape.param.name; });

//! Every case again in bfloat16; a constant second factor is float32, as weights are.
std::vector<Case> bfloat_cases() {
    std::vector<Case> out;
    for (Case c : kCases) {
        if (c.name.starts_with("half")) continue;
        c.a_type = c.out_type = DataType::kBF16;
        c.b_type = c.constant_b ? DataType::kFLOAT : DataType::kBF16;
        out.push_back(c);
        c.name += "_float_out";
        c.out_type = DataType::kFLOAT;
        out.push_back(c);
    }
    out.push_back({.name = "constant_bfloat_factor", .a = {17, 33}, .b = {33, 5}, .a_type = DataType::kBF16, .b_type = DataType::kBF16, .out_type = DataType::kBF16});
    out.push_back({.name = "float_by_bfloat", .a = {3, 33}, .b = {33, 5}, .constant_b = false, .b_type = DataType::kBF16, .out_type = DataType::kFLOAT});
    out.push_back({.name = "float_operands_in_and_out", .a = {3, 33}, .b = {33, 5}, .operand = {5}, .out_type = DataType::kBF16});
    return out;
}
INSTANTIATE_TEST_SUITE_P(Bfloats, MatrixTactics, testing::ValuesIn(bfloat_cases()),
                         [](const auto& shape) { return shape.param.name; });

} // namespace
} // namespace tensorvk::test
