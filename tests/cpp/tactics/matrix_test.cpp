// Every matrix product tactic that this device has, over odd shapes, against the host's reference.
#include "tactics/matrix_case.hpp"

namespace tensorvk::test::matrix {
namespace {

class MatrixTactics : public testing::TestWithParam<Case> {};

TEST_P(MatrixTactics, AgreeWithTheHostReference) {
    check_on_this_device(GetParam());
}

class FewRowsForGpus : public MatrixTactics {};

TEST_P(FewRowsForGpus, AgreeWithTheHostReference) {
    if (!can_store(GetParam())) GTEST_SKIP() << "no fp16 storage";
    EXPECT_GE(check_for_gpus(GetParam(), "matrix/vector_"), 1);
}

//! The compiler makes them where shaders compute.
class NormalizedRows : public MatrixTactics {};

TEST_P(NormalizedRows, AgreeWithTheHostReference) {
    if (!can_store(GetParam())) GTEST_SKIP() << "no fp16 storage";
    if (!vulkan::Device::by_index(0)->caps().shaders) GTEST_SKIP() << "no shaders";
    EXPECT_GE(check_for_gpus(GetParam(), "matrix/"), 1);
}

const Case kNormalized[] = {
    {.name = "floats", .a = {3, 17}, .b = {17, 9}, .bias = true, .operand = {9}, .normalized = {{1e-5f, true}}},
    {.name = "halves", .a = {70, 64}, .b = {64, 40}, .bias = true, .operand = {70, 40}, .a_type = DataType::kHALF, .out_type = DataType::kHALF, .normalized = {{1e-5f, true}}},
    {.name = "batch", .a = {3, 17, 384}, .b = {384, 72}, .bias = true, .a_type = DataType::kHALF, .out_type = DataType::kHALF, .normalized = {{1e-3f, true}}},
    {.name = "by_mean_square", .a = {33, 128}, .b = {136, 128}, .transpose_b = true, .bias = true, .operand = {136}, .a_type = DataType::kHALF, .out_type = DataType::kHALF,
     .normalized = {{1e-5f, false}}},
    {.name = "far_from_zero", .a = {130, 256}, .b = {256, 64}, .bias = true, .a_type = DataType::kHALF, .out_type = DataType::kHALF, .normalized = {{1e-5f, true}}, .mean = 20.0f},
    {.name = "one_row", .a = {1, 192}, .b = {192, 8}, .bias = true, .a_type = DataType::kHALF, .out_type = DataType::kHALF, .normalized = {{1e-5f, true}}},
};
INSTANTIATE_TEST_SUITE_P(Shapes, NormalizedRows, testing::ValuesIn(kNormalized), [](const auto& shape) { return shape.param.name; });

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
} // namespace tensorvk::test::matrix
