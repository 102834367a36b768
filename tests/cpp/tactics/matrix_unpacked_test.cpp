// Matrix products of two factors that kernels read where they lie, against the host's reference, and why they are refused.
#include <algorithm>

#include "tactics/matrix_case.hpp"
#include "tactics/played_units.hpp"

namespace tensorvk::test::matrix {
namespace {

// Of factors that kernels read where they lie; unpacked() adds each of them in float16.
const Case kUnpacked[] = {
    {.name = "one_element", .a = {1, 1}, .b = {1, 1}},
    {.name = "three", .a = {3, 3}, .b = {3, 3}, .bias = true},
    {.name = "seventeen", .a = {2, 17, 17}, .b = {2, 17, 17}, .bias = true, .operand = {17}},
    {.name = "thirty_three", .a = {2, 33, 33}, .b = {2, 33, 33}, .operand = {2, 33, 33}},
    {.name = "sixty_four", .a = {3, 64, 64}, .b = {3, 64, 64}, .bias = true, .operand = {3, 64, 64}},
    {.name = "one_hundred_and_thirty", .a = {130, 130}, .b = {130, 130}, .bias = true, .operand = {130}},
    {.name = "whole_tiles", .a = {128, 96}, .b = {96, 256}, .operand = {128, 256}},
    {.name = "deeper_than_a_step_by_four", .a = {2, 68, 36}, .b = {2, 36, 72}, .bias = true},
    {.name = "transposed_first", .a = {2, 33, 64}, .b = {2, 33, 72}, .transpose_a = true, .bias = true},
    {.name = "transposed_second", .a = {2, 72, 40}, .b = {2, 64, 40}, .transpose_b = true, .operand = {72, 64}},
    {.name = "both_transposed", .a = {2, 40, 72}, .b = {2, 64, 40}, .transpose_a = true, .transpose_b = true},
    {.name = "both_transposed_odd", .a = {2, 41, 71}, .b = {2, 63, 41}, .transpose_a = true, .transpose_b = true, .bias = true, .operand = {2, 71, 63}},
    {.name = "second_factor_of_all", .a = {5, 40, 33}, .b = {1, 33, 40}},
    {.name = "first_factor_of_all", .a = {40, 32}, .b = {3, 2, 32, 40}, .operand = {3, 1, 40, 1}},
    {.name = "broadcast_both_ways", .a = {3, 1, 33, 8}, .b = {2, 8, 36}, .operand = {3, 2, 33, 36}},
    {.name = "six_leading_axes", .a = {2, 1, 2, 1, 2, 1, 17, 8}, .b = {1, 2, 1, 2, 1, 2, 8, 12}, .bias = true, .operand = {12}},
    {.name = "operand_of_a_matrix", .a = {2, 3, 33, 16}, .b = {2, 3, 36, 16}, .transpose_b = true, .operand = {2, 1, 1, 36}},
    {.name = "operand_of_rows", .a = {2, 34, 16}, .b = {2, 16, 35}, .operand = {34, 1}},
    {.name = "squared", .a = {2, 33, 17}, .b = {2, 17, 35}, .bias = true, .squared = true},
    {.name = "dynamic_batch", .a = {3, 33, 16}, .b = {3, 16, 40}, .operand = {3, 33, 40}, .dynamic = true},
    {.name = "dynamic_rows", .a = {33, 16}, .b = {16, 40}, .bias = true, .operand = {33, 40}, .dynamic = true},
    {.name = "long_depth", .a = {40, 20003}, .b = {20003, 36}},
    {.name = "rows_of_several_matrices", .a = {3, 17, 40}, .b = {40, 36}, .bias = true, .operand = {3, 17, 36}},
    {.name = "dynamic_rows_of_several_matrices", .a = {3, 17, 40}, .b = {1, 33, 40}, .transpose_b = true, .operand = {33}, .dynamic = true},
    {.name = "no_terms", .a = {2, 3, 0}, .b = {2, 0, 5}, .bias = true, .operand = {2, 3, 5}},
    {.name = "no_rows", .a = {2, 0, 8}, .b = {2, 8, 4}},
    {.name = "no_matrices", .a = {0, 3, 8}, .b = {0, 8, 4}},
};
const Case kThin[] = {
    {.name = "one_element", .a = {1, 1}, .b = {1, 1}},
    {.name = "one_row", .a = {1, 512}, .b = {512, 260}, .bias = true, .operand = {260}},
    {.name = "one_row_odd", .a = {1, 129}, .b = {129, 33}, .bias = true, .operand = {1, 33}},
    {.name = "one_row_of_each_matrix", .a = {3, 1, 64}, .b = {3, 64, 68}, .operand = {3, 1, 68}},
    {.name = "one_row_by_transposed", .a = {2, 1, 68}, .b = {2, 130, 68}, .transpose_b = true, .bias = true},
    {.name = "one_row_by_transposed_odd", .a = {1, 67}, .b = {131, 67}, .transpose_b = true, .operand = {131}},
    {.name = "one_transposed_row", .a = {2, 33, 1}, .b = {2, 33, 17}, .transpose_a = true},
    {.name = "one_column", .a = {2, 130, 64}, .b = {2, 64, 1}, .bias = true, .operand = {2, 130, 1}},
    {.name = "one_column_odd", .a = {131, 67}, .b = {67, 1}, .operand = {131, 1}},
    {.name = "one_column_of_transposed", .a = {2, 64, 132}, .b = {2, 64, 1}, .transpose_a = true, .bias = true},
    {.name = "one_column_of_both_transposed", .a = {35, 33}, .b = {1, 35}, .transpose_a = true, .transpose_b = true, .squared = true},
    {.name = "three_rows", .a = {3, 64}, .b = {64, 77}, .bias = true, .operand = {3, 77}},
    {.name = "four_rows_by_transposed", .a = {2, 4, 40}, .b = {33, 40}, .transpose_b = true, .operand = {2, 1, 33}},
    {.name = "two_columns", .a = {2, 40, 36}, .b = {2, 36, 2}, .bias = true, .operand = {40, 2}},
    {.name = "one_row_of_several_matrices", .a = {7, 1, 64}, .b = {64, 68}, .bias = true, .operand = {7, 1, 68}},
    {.name = "sixteen_rows_odd", .a = {16, 35}, .b = {35, 41}, .bias = true},
    {.name = "nine_columns_by_transposed", .a = {2, 35, 36}, .b = {2, 9, 36}, .transpose_b = true, .operand = {9}},
    {.name = "no_terms", .a = {1, 0}, .b = {0, 5}, .bias = true, .operand = {5}},
    {.name = "no_columns", .a = {2, 8}, .b = {8, 0}},
};

template <std::size_t kCount>
std::vector<Case> unpacked(const Case (&cases)[kCount]) {
    std::vector<Case> out;
    for (Case c : cases) {
        c.constant_b = false;
        out.push_back(c);
        c.name += "_of_halves";
        c.a_type = c.b_type = c.out_type = DataType::kHALF;
        out.push_back(c);
    }
    return out;
}

//! For units that are played: whose loops Mesa's CPU driver ends early (tactics/rounds.hpp) where sums are long.
std::vector<Case> short_sums_of_halves(std::vector<Case> cases) {
    std::erase_if(cases, [](const Case& c) { return c.a_type != DataType::kHALF || c.name.starts_with("long_depth"); });
    return cases;
}

class MatrixUnpacked : public testing::TestWithParam<Case> {};

TEST_P(MatrixUnpacked, AgreeWithTheHostReference) {
    check_on_this_device(GetParam());
}

// One tile for each case, all of them for some: CPU drivers take long to compile them.
class UnpackedForGpus : public MatrixUnpacked {};

TEST_P(UnpackedForGpus, AgreeWithTheHostReference) {
    if (!can_store(GetParam())) GTEST_SKIP() << "no fp16 storage";
    EXPECT_EQ(check_for_gpus(GetParam(), "matrix/unpacked_shared_32x32"), 1);
}

class UnpackedOnUnits : public MatrixUnpacked {};

TEST_P(UnpackedOnUnits, AgreeWithTheHostReference) {
    constexpr std::string_view kTiles[] = {"32x32x64", "64x64x32"};
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    const Built built = build(GetParam());
    EXPECT_GE(check_on_units(built.operation, built.expected, tolerance_of(GetParam(), built), kTiles), 1);
}

class ThinUnpackedForGpus : public MatrixUnpacked {};

TEST_P(ThinUnpackedForGpus, AgreeWithTheHostReference) {
    if (!can_store(GetParam())) GTEST_SKIP() << "no fp16 storage";
    EXPECT_EQ(check_for_gpus(GetParam(), "matrix/unpacked_vector_16x16"), 1);
}

class EveryTileForGpus : public MatrixUnpacked {};

TEST_P(EveryTileForGpus, AgreesWithTheHostReference) {
    if (!can_store(GetParam())) GTEST_SKIP() << "no fp16 storage";
    EXPECT_GE(check_for_gpus(GetParam(), "matrix/unpacked_shared_"), 2); // what any device has
}
const Case kEveryTile[] = {
    {.name = "one_hundred_and_thirty", .a = {130, 130}, .b = {130, 130}, .constant_b = false, .bias = true, .operand = {130}},
    {.name = "whole_tiles", .a = {128, 96}, .b = {96, 256}, .constant_b = false, .operand = {128, 256}},
    {.name = "both_transposed_halves",
     .a = {2, 40, 136},
     .b = {2, 144, 40},
     .transpose_a = true,
     .transpose_b = true,
     .constant_b = false,
     .a_type = DataType::kHALF,
     .b_type = DataType::kHALF},
};

const auto kNameOfCase = [](const auto& shape) { return shape.param.name; };
INSTANTIATE_TEST_SUITE_P(Shapes, MatrixUnpacked, testing::ValuesIn(unpacked(kUnpacked)), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Thin, MatrixUnpacked, testing::ValuesIn(unpacked(kThin)), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Shapes, UnpackedForGpus, testing::ValuesIn(unpacked(kUnpacked)), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Shapes, UnpackedOnUnits, testing::ValuesIn(short_sums_of_halves(unpacked(kUnpacked))), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Shapes, ThinUnpackedForGpus, testing::ValuesIn(unpacked(kThin)), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Shapes, EveryTileForGpus, testing::ValuesIn(kEveryTile), kNameOfCase);

//! Of mixed types, and what is read unpacked though it is constant.
const Case kMixed[] = {
    {.name = "half_by_float", .a = {2, 33, 40}, .b = {2, 40, 36}, .constant_b = false, .a_type = DataType::kHALF, .out_type = DataType::kHALF},
    {.name = "float_by_half", .a = {2, 33, 40}, .b = {2, 40, 36}, .constant_b = false, .bias = true, .operand = {36}, .b_type = DataType::kHALF},
    {.name = "halves_to_float", .a = {33, 40}, .b = {40, 36}, .constant_b = false, .a_type = DataType::kHALF, .b_type = DataType::kHALF},
    {.name = "constant_batches", .a = {3, 33, 40}, .b = {3, 40, 36}, .bias = true},
    {.name = "constant_halves", .a = {33, 40}, .b = {40, 36}, .b_type = DataType::kHALF},
};
INSTANTIATE_TEST_SUITE_P(Mixed, UnpackedForGpus, testing::ValuesIn(kMixed), kNameOfCase);

TEST(Unpacked, IsRefusedForTheirReasons) {
    const Case batches{.name = "batches", .a = {2, 200, 64}, .b = {2, 64, 200}, .constant_b = false};
    const Case thin{.name = "thin", .a = {2, 1, 64}, .b = {2, 64, 40}, .constant_b = false};
    EXPECT_EQ(refusal({.name = "constant", .a = {200, 64}, .b = {64, 200}}, "matrix/unpacked_shared"),
              "the second factor is one constant matrix, kernels that pack it once take the product");
    EXPECT_EQ(refusal(batches, "matrix/unpacked_vector"), "the product has neither at most 16 rows nor at most 16 columns");
    EXPECT_EQ(refusal(batches, "matrix/unpacked_coopmat"), "'value0' is float32, matrix units take float16");
    EXPECT_EQ(refusal(thin, "matrix/unpacked_shared_64x64_4x4"), "the product has 1 rows, more than half of the 64 of the tile would be padding");
    EXPECT_EQ(refusal(thin, "matrix/unpacked_vector_32x16"), "");
    vulkan::DeviceCaps small = large_gpu();
    small.limits.max_shared_memory = 16384;
    small.limits.max_workgroup_invocations = 128;
    EXPECT_EQ(refusal(batches, "matrix/unpacked_shared_128x128_8x8", small), "the tile takes 16896 bytes of shared memory, the device has 16384");
    EXPECT_EQ(refusal(batches, "matrix/unpacked_shared_64x64_4x4", small), "the tile takes 256 invocations, the device has 128");
    EXPECT_EQ(refusal(batches, "matrix/unpacked_shared_32x32_4x4", small), "");
    vulkan::DeviceCaps cpu = large_gpu();
    cpu.is_cpu = true;
    EXPECT_EQ(refusal(batches, "matrix/unpacked_shared_128x128_8x8", cpu), "CPU drivers take long to compile tiles, two others are for them");
    EXPECT_EQ(refusal(batches, "matrix/unpacked_shared_64x64_8x4", cpu), "");
    EXPECT_EQ(refusal({.name = "one", .a = {64, 64}, .b = {64, 64}, .constant_b = false}, "matrix/unpacked_shared", cpu),
              "CPU drivers are faster with one second factor that is packed in every run and read as texels");
    EXPECT_EQ(refusal(thin, "matrix/unpacked_vector", cpu), "shared memory and barriers make it no faster than the generic kernel on CPU drivers");
}

TEST(Unpacked, IsRefusedWhereCpuDriversEndItsLoop) {
    shape::ExprPool exprs;
    const shape::Expr two = exprs.constant(2), m = exprs.constant(64), k = exprs.constant(2000000);
    std::vector<tactics::Value> values(3);
    values[0].dims = {two, m, k};
    values[1].dims = {two, k, m};
    values[2].dims = {two, m, m};
    tactics::Operation operation;
    operation.kind = tactics::MatrixProduct{};
    operation.inputs = {0, 1};
    operation.outputs = {2};
    vulkan::DeviceCaps cpu = large_gpu();
    cpu.is_cpu = true;
    const auto candidates = tactics::candidates(operation, values, cpu, exprs);
    const auto found = std::ranges::find(candidates, "matrix/unpacked_shared_64x64_8x4", &tactics::Candidate::name);
    ASSERT_NE(found, candidates.end());
    EXPECT_EQ(found->refusal, "one invocation would loop 125001 times, this driver ends loops after 65000");
}

TEST(Unpacked, MatrixUnitsTakeHalvesOfAnyExtent) {
    Case c{.name = "halves", .a = {2, 197, 197}, .b = {2, 197, 64}, .constant_b = false, .a_type = DataType::kHALF, .b_type = DataType::kHALF, .out_type = DataType::kHALF};
    EXPECT_EQ(refusal(c, "matrix/unpacked_coopmat_64x64x32"), "");
    c.b_type = DataType::kFLOAT;
    EXPECT_EQ(refusal(c, "matrix/unpacked_coopmat"), "'value1' is float32, matrix units take float16");
}

} // namespace
} // namespace tensorvk::test::matrix
