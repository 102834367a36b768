// Matrix products whose second factor lies in blocks of 4 or 8 bits, against the host's reference, and why kernels are refused.
#include "tactics/matrix_case.hpp"
#include "tactics/played_units.hpp"

namespace tensorvk::test::matrix {
namespace {

const Case kBlocks[] = {
    {.name = "one_element", .a = {1, 1}, .b = {1, 1}, .bits = 4},
    {.name = "three_of_one_block", .a = {3, 17}, .b = {17, 3}, .bias = true, .bits = 8},
    {.name = "odd", .a = {3, 33}, .b = {33, 17}, .bias = true, .operand = {3, 17}, .bits = 4, .block = 16, .zeros = true},
    {.name = "odd_of_eight_bits", .a = {3, 33}, .b = {33, 17}, .operand = {17}, .bits = 8, .block = 16, .zeros = true},
    {.name = "blocks_of_sixteen", .a = {1, 80}, .b = {80, 33}, .bits = 4, .block = 16, .half_scales = true},
    {.name = "blocks_of_thirty_two", .a = {1, 256}, .b = {256, 768}, .bias = true, .operand = {768}, .bits = 4, .block = 32},
    {.name = "blocks_of_forty_eight", .a = {2, 100}, .b = {100, 35}, .bits = 4, .block = 48, .zeros = true, .half_scales = true},
    {.name = "blocks_of_a_hundred_and_twenty_eight", .a = {17, 384}, .b = {768, 384}, .transpose_b = true, .bits = 4, .block = 128, .zeros = true},
    {.name = "last_block_is_short", .a = {5, 200}, .b = {200, 40}, .operand = {5, 40}, .bits = 8, .block = 128, .half_scales = true},
    {.name = "one_scale_per_column", .a = {4, 512}, .b = {512, 64}, .bias = true, .bits = 8},
    {.name = "rows_of_a_batch", .a = {3, 11, 64}, .b = {64, 72}, .operand = {3, 11, 72}, .bits = 4, .block = 32},
    {.name = "operand_of_each_row", .a = {2, 33, 64}, .b = {36, 64}, .transpose_b = true, .operand = {33, 1}, .bits = 4, .block = 32},
    {.name = "transposed_first", .a = {2, 48, 33}, .b = {48, 20}, .transpose_a = true, .bits = 8, .block = 16},
    {.name = "transposed_row", .a = {65, 1}, .b = {65, 9}, .transpose_a = true, .bits = 4, .block = 16},
    {.name = "whole_tiles", .a = {128, 128}, .b = {128, 256}, .bias = true, .operand = {128, 256}, .bits = 4, .block = 64},
    {.name = "more_than_a_tile", .a = {130, 72}, .b = {130, 72}, .transpose_b = true, .bias = true, .squared = true, .bits = 4, .block = 16, .zeros = true},
    {.name = "dynamic_rows", .a = {33, 64}, .b = {64, 40}, .operand = {33, 40}, .dynamic = true, .bits = 4, .block = 32},
    {.name = "no_rows", .a = {0, 32}, .b = {32, 4}, .bits = 4, .block = 16},
};

std::vector<Case> of_both_types() {
    std::vector<Case> out;
    for (Case c : kBlocks) {
        out.push_back(c);
        c.name += "_halves";
        c.a_type = c.out_type = DataType::kHALF;
        out.push_back(c);
    }
    return out;
}

//! As many rows as kernels for few of them take.
bool has_few_rows(const Case& c) {
    std::int64_t rows = c.transpose_a ? c.a.back() : c.a[c.a.size() - 2];
    for (std::size_t axis = 0; axis + 2 < c.a.size(); ++axis) rows *= c.a[axis];
    return !c.dynamic && rows <= 16 && !(c.transpose_a && c.a.size() > 2);
}

class MatrixBlocks : public testing::TestWithParam<Case> {};

TEST_P(MatrixBlocks, AgreeWithTheHostReference) { check_on_this_device(GetParam()); }

class MatrixBlocksOnUnits : public MatrixBlocks {};

TEST_P(MatrixBlocksOnUnits, AgreeWithTheHostReference) {
    constexpr std::string_view kTiles[] = {"32x32x64"};
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    const Built built = build(GetParam());
    EXPECT_EQ(check_on_units(built.operation, built.expected, tolerance_of(GetParam(), built), kTiles) > 0, GetParam().a_type == DataType::kHALF); // as they are, and unpacked
}

class MatrixBlocksForGpus : public MatrixBlocks {};

// One tile for each case, all of them for some: CPU drivers take long to compile them.
TEST_P(MatrixBlocksForGpus, AgreeWithTheHostReference) {
    if (!can_store(GetParam())) GTEST_SKIP() << "no fp16 storage";
    EXPECT_EQ(check_for_gpus(GetParam(), "matrix/blocks_shared_32x32"), 1);
    int vectors = 0;
    for (const char* each : {"1", "2", "4", "8"}) vectors += check_for_gpus(GetParam(), text("matrix/blocks_vector_", each, "x32x4_d4"));
    EXPECT_EQ(vectors, has_few_rows(GetParam()) ? 1 : 0);
}

class EveryKernelOfBlocks : public MatrixBlocks {};

TEST_P(EveryKernelOfBlocks, AgreesWithTheHostReference) {
    if (!can_store(GetParam())) GTEST_SKIP() << "no fp16 storage";
    const bool large = vulkan::Device::current()->caps().limits.max_workgroup_invocations >= 256; // workgroups, as tiles of many rows take
    EXPECT_GE(check_for_gpus(GetParam(), "matrix/blocks_"), large ? 3 : 2);
}
const Case kEvery[] = {
    {.name = "few_rows", .a = {7, 1056}, .b = {1056, 70}, .bias = true, .operand = {7, 70}, .bits = 4, .block = 32, .zeros = true},
    {.name = "many_rows", .a = {130, 96}, .b = {260, 96}, .transpose_b = true, .operand = {260}, .bits = 4, .block = 16, .half_scales = true},
    {.name = "many_rows_of_eight_bits", .a = {130, 100}, .b = {100, 260}, .a_type = DataType::kHALF, .out_type = DataType::kHALF, .bits = 8, .block = 48, .zeros = true},
};

const auto kNameOfCase = [](const auto& shape) { return shape.param.name; };
INSTANTIATE_TEST_SUITE_P(Shapes, MatrixBlocks, testing::ValuesIn(of_both_types()), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Shapes, MatrixBlocksOnUnits, testing::ValuesIn(of_both_types()), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Shapes, MatrixBlocksForGpus, testing::ValuesIn(of_both_types()), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Shapes, EveryKernelOfBlocks, testing::ValuesIn(kEvery), kNameOfCase);

TEST(Blocks, AreRefusedForTheirReasons) {
    const Case row{.name = "row", .a = {1, 64}, .b = {64, 40}, .bits = 4, .block = 32};
    const Case rows{.name = "rows", .a = {33, 64}, .b = {64, 40}, .bits = 4, .block = 32};
    Case dynamic = row;
    dynamic.dynamic = true;
    EXPECT_EQ(refusal(row, "matrix/blocks_vector_1x64x4_d4"), "");
    EXPECT_EQ(refusal(row, "matrix/blocks_vector_1x8x32_d2"), "of 2 units of the depth 32 slices would not have one each");
    EXPECT_EQ(refusal(rows, "matrix/blocks_vector"), "the product has 33 rows, this kernel is for at most 16");
    EXPECT_EQ(refusal(dynamic, "matrix/blocks_vector"), "the number of rows is dynamic, this kernel is for few of them");
    EXPECT_EQ(refusal(rows, "matrix/blocks_coopmat"), "'value0' is float32, matrix units take float16");
    EXPECT_EQ(refusal(rows, "matrix/shared_32x32_4x4"), "") << "widened once";
    EXPECT_EQ(refusal({.name = "floats", .a = {1, 64}, .b = {64, 40}}, "matrix/blocks_vector"), "matrix/blocks_vector") << "there is none";
    Case halves = rows;
    halves.a_type = halves.out_type = DataType::kHALF;
    EXPECT_EQ(refusal(halves, "matrix/blocks_coopmat_32x32x64"), "");
    vulkan::DeviceCaps cpu = large_gpu();
    cpu.is_cpu = true;
    for (const char* name : {"matrix/blocks_vector", "matrix/blocks_shared"}) EXPECT_EQ(refusal(row, name, cpu), "CPU drivers are faster with weights that are widened once");
}

TEST(Blocks, TakeFewWords) {
    kernels::BlockFormat format{.depth = 100, .columns = 5, .block = 32, .bits = 4};
    kernels::BlockNumbers numbers{std::vector<std::uint8_t>(500, 3), std::vector<float>(20, 0.5F), std::vector<std::uint8_t>(20, 8)};
    format = kernels::smallest_format(format, numbers);
    EXPECT_EQ(format.zero, 8);
    EXPECT_TRUE(format.half_scales);
    EXPECT_EQ(format.words(), 4 * 4 * 8 + 4 * 8 / 2); // units of four words in columns padded to eight, and pairs of scales
    numbers.zeros[7] = 9;
    numbers.scales[3] = 0x1p-20F; // float16 holds it, but some devices read it as 0
    format = kernels::smallest_format(format, numbers);
    EXPECT_EQ(format.words(), 4 * 4 * 8 + 4 * 8 + 4 * 8 / 4);
    const std::vector<std::uint32_t> words = kernels::packed_blocks(format, numbers);
    EXPECT_EQ(format.scale_at(words, 0, 3), 0x1p-20F);
    EXPECT_EQ(format.zero_at(words, 1, 2), 9);
    EXPECT_EQ(format.zero_at(words, 1, 1), 8);
}

} // namespace
} // namespace tensorvk::test::matrix
