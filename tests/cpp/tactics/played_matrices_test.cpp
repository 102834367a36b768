// What is around matrix units, on any device: which elements their kernels read, edges, slices of the depth, phases, moments of rows, epilogues and stores.
#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "tactics/convolution_check.hpp"
#include "tactics/matrix_case.hpp"
#include "tactics/played_units.hpp"

namespace tensorvk::test {
namespace {

//! Of each kind one: few and many subgroups, shallow and deep steps, steps that are fetched two at a time, two and four subgroups that share a part.
constexpr std::array<std::string_view, 8> kTiles{"32x32x64", "64x64x64_w8", "32x32x128_p2", "32x64x128_w8", "128x32x32", "32x64x64_w8_p2", "32x32x128_w8", "32x32x128_w16"};

class ConvolutionsOnUnits : public testing::TestWithParam<Case> {};

TEST_P(ConvolutionsOnUnits, AgreeWithTheHostReference) {
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    const Built built = build(GetParam());
    EXPECT_GE(check_on_units(built.operation, built.expected, tolerance(GetParam(), built.terms), kTiles), 1);
}

std::vector<Case> convolutions() {
    std::vector<Case> cases{
        conv2d("odd", {1, 8, 9, 13}, 24, 3, 1, 1),
        conv2d("whole_tiles", {2, 64, 16, 16}, 64, 3, 1, 1),
        with(conv2d("whole_tiles_residual", {1, 64, 16, 16}, 128, 1, 1, 0), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("residual", {3, 32, 7, 5}, 40, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("per_channel_stride2", {1, 24, 17, 15}, 48, 3, 2, 1), [](Case& c) { c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("squared_rows", {1, 16, 9, 5}, 8, 1, 1, 0), [](Case& c) { c.operands = Operands::kSQUARE, c.out_layout = Layout::kLINEAR; }),
        conv2d("cut_depth", {1, 512, 4, 4}, 64, 3, 1, 1),
        with(conv2d("dilated_5x5", {1, 16, 17, 33}, 16, 5, 1, 4), [](Case& c) { c.dilation = {2, 2}; }),
        with(conv2d("groups", {1, 32, 9, 7}, 48, 3, 1, 1), [](Case& c) { c.groups = 2; }),
        with(conv2d("pointwise_stride2", {3, 64, 9, 9}, 48, 1, 2, 0), [](Case& c) { c.bias = false; }),
        with(conv2d("dynamic_batch", {3, 32, 9, 7}, 32, 3, 1, 1), [](Case& c) { c.dynamic = true; }),
        with(conv2d("transposed", {1, 32, 6, 5}, 16, 2, 1, 0), [](Case& c) { c.transposed = true, c.stride = {2, 2}; }),
        with(conv2d("transposed_overlapping_cropped", {2, 16, 5, 7}, 24, 4, 1, 0), [](Case& c) { c.transposed = true, c.stride = {3, 3}, c.pre = c.post = {1, 1}; }),
    };
    Case volume = conv2d("volume", {1, 16, 5, 6, 7}, 24, 3, 1, 1);
    for (auto* list : {&volume.kernel, &volume.stride, &volume.dilation, &volume.pre, &volume.post}) list->push_back(list->front());
    cases.push_back(volume);
    Case line = conv2d("line", {2, 24, 37}, 40, 3, 1, 1);
    for (auto* list : {&line.kernel, &line.stride, &line.dilation, &line.pre, &line.post}) list->pop_back();
    cases.push_back(line);
    for (Case& c : cases) c.in_type = c.out_type = DataType::kHALF;
    return cases;
}
INSTANTIATE_TEST_SUITE_P(Shapes, ConvolutionsOnUnits, testing::ValuesIn(convolutions()), [](const auto& test) { return test.param.name; });

//! Of few and many subgroups, of one and several lines and column fragments each.
constexpr std::array<std::string_view, 5> kHaloTiles{"2x32x32", "4x32x32_w8", "4x32x16", "8x64x16_w8", "2x32x32_w8_s2"};

class OverlappingWindowsOnUnits : public testing::TestWithParam<Case> {};

TEST_P(OverlappingWindowsOnUnits, AgreeWithTheHostReference) {
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    const Built built = build(GetParam());
    EXPECT_GE(check_on_units(built.operation, built.expected, tolerance(GetParam(), built.terms), kHaloTiles), 1);
}

std::vector<Case> windows() {
    const auto window = [](std::string name, std::int64_t down, std::int64_t across, std::int64_t pre_down, std::int64_t pre_across) {
        return with(conv2d(std::move(name), {1, 32, 11, 18}, 40, 3, 1, 1), [=](Case& c) {
            c.kernel = {down, across};
            c.pre = c.post = {pre_down, pre_across};
        });
    };
    std::vector<Case> cases{
        conv2d("odd", {1, 16, 9, 13}, 24, 3, 1, 1),
        conv2d("whole_tiles", {2, 32, 16, 32}, 64, 3, 1, 1),
        with(conv2d("residual", {2, 32, 7, 17}, 40, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("residual_whole_tiles", {1, 32, 8, 16}, 128, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("per_channel_stride2", {2, 32, 19, 35}, 48, 3, 2, 1), [](Case& c) { c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("squared_planes", {1, 32, 10, 9}, 40, 3, 1, 1), [](Case& c) { c.operands = Operands::kSQUARE, c.out_layout = Layout::kLINEAR; }),
        conv2d("cut_channels", {1, 160, 3, 14}, 32, 3, 1, 1),
        with(conv2d("groups_of_cut_channels_residual", {1, 192, 3, 14}, 64, 3, 1, 1), [](Case& c) { c.groups = 2, c.operands = Operands::kRESIDUAL; }),
        with(conv2d("dilated", {1, 32, 17, 33}, 32, 3, 1, 3), [](Case& c) { c.dilation = {3, 3}; }),
        with(conv2d("dilated_stride2", {1, 16, 17, 33}, 16, 3, 2, 2), [](Case& c) { c.dilation = {2, 2}; }),
        with(conv2d("dilated_by_less_than_the_stride", {1, 16, 20, 33}, 16, 3, 1, 0), [](Case& c) {
            c.kernel = {1, 3}, c.stride = {1, 3}, c.dilation = {1, 2}, c.pre = c.post = {0, 2};
        }),
        with(conv2d("groups", {2, 64, 9, 15}, 96, 3, 1, 1), [](Case& c) { c.groups = 2; }),
        with(conv2d("unpadded_without_bias", {1, 48, 12, 40}, 32, 3, 1, 0), [](Case& c) { c.bias = false; }),
        with(conv2d("dynamic_batch", {3, 32, 9, 17}, 32, 3, 1, 1), [](Case& c) { c.dynamic = true; }),
        conv2d("even_window", {1, 16, 9, 20}, 32, 2, 1, 0),
        conv2d("large_window", {1, 16, 12, 20}, 32, 4, 1, 2),
        window("lines", 1, 7, 0, 3),
        window("columns", 5, 1, 2, 0),
    };
    for (Case& c : cases) c.in_type = c.out_type = DataType::kHALF;
    return cases;
}
INSTANTIATE_TEST_SUITE_P(Shapes, OverlappingWindowsOnUnits, testing::ValuesIn(windows()), [](const auto& test) { return test.param.name; });

//! Those whose steps fit into what CPU drivers have of shared memory.
TEST(TilesOnUnits, AgreeWithTheHostReference) {
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    const Case c = with(conv2d("every_tile", {1, 64, 9, 13}, 72, 3, 1, 1), [](Case& half) { half.in_type = half.out_type = DataType::kHALF; });
    const Built built = build(c);
    EXPECT_GE(check_on_units(built.operation, built.expected, tolerance(c, built.terms), {}), 12);
}

class PicturesOnUnits : public testing::TestWithParam<Case> {};

TEST_P(PicturesOnUnits, AgreeWithTheHostReference) {
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    constexpr std::array<std::string_view, 4> kWindowTiles{"4x16x16_s4", "4x16x16_s8", "8x16x16_s8", "8x16x32_s4"};
    const Built built = build(GetParam());
    EXPECT_GE(check_on_units(built.operation, built.expected, tolerance(GetParam(), built.terms), kWindowTiles), 2);
}

std::vector<Case> pictures() {
    std::vector<Case> cases{
        with(conv2d("planes_7x7_stride2", {2, 3, 29, 37}, 40, 7, 2, 3), [](Case& c) { c.in_layout = Layout::kLINEAR; }),
        conv2d("pixels", {1, 5, 19, 18}, 24, 3, 1, 1),
        with(conv2d("residual", {1, 3, 17, 33}, 64, 3, 2, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("one_channel_per_channel", {3, 1, 9, 16}, 16, 5, 1, 2), [](Case& c) { c.operands = Operands::kPER_CHANNEL, c.dynamic = true; }),
        with(conv2d("halves_without_bias", {1, 4, 16, 16}, 32, 3, 1, 1), [](Case& c) { c.in_type = DataType::kHALF, c.bias = false; }),
    };
    for (Case& c : cases) c.out_type = DataType::kHALF;
    return cases;
}
INSTANTIATE_TEST_SUITE_P(Shapes, PicturesOnUnits, testing::ValuesIn(pictures()), [](const auto& test) { return test.param.name; });

//! Windows of a line take less shared memory than squares.
constexpr std::array<std::string_view, 24> kAllHaloTiles{"2x32x32",   "2x64x16",     "4x32x32_w8", "4x32x32",    "4x32x16",    "4x64x16_w8", "4x64x16",
                                                         "4x128x16_w8", "4x128x16",    "8x32x32",    "8x32x32_w8", "8x64x16_w8", "8x64x16",    "8x128x16_w8",
                                                         "14x64x16",  "14x64x16_w8", "16x32x32",   "16x32x32_w8", "16x64x16_w8", "16x64x16",
                                                         "2x32x32_w8_s2", "4x32x32_w8_s2", "8x32x32_w8_s2", "16x32x32_w8_s2"};

TEST(TilesOfOverlappingWindowsOnUnits, AgreeWithTheHostReference) {
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    const Case c = with(conv2d("every_tile", {1, 32, 17, 9}, 136, 3, 1, 1), [](Case& half) {
        half.in_type = half.out_type = DataType::kHALF;
        half.kernel = {1, 3};
        half.pre = half.post = {0, 1};
    });
    const Built built = build(c);
    EXPECT_GE(check_on_units(built.operation, built.expected, tolerance(c, built.terms), kAllHaloTiles), 24);
}

//! Of rows that are no multiple of a tile's, since kernels trust small grids of whole tiles; of several pictures and slices, since what workgroups behind the last tile write may be within another slice.
TEST(WorkgroupsBehindTheLastTile, DoNothing) {
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    const auto device = vulkan::Device::by_index(0);
    const vulkan::DeviceCaps caps = with_units(device->caps());
    const Case c = with(conv2d("two_pictures", {2, 64, 6, 14}, 40, 3, 1, 1), [](Case& half) { half.in_type = half.out_type = DataType::kHALF; });
    const Case picture = with(conv2d("first_layer", {2, 3, 6, 14}, 40, 3, 1, 1), [](Case& half) { half.out_type = DataType::kHALF; });
    int tried = 0;
    for (const Case& each : {c, picture}) {
        const Built built = build(each);
        for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
            constexpr std::array<std::string_view, 6> kSome{"conv/halo_4x32x16", "conv/halo_4x32x16_k4", "conv/coopmat_32x32x64", "conv/coopmat_32x32x64_k2", "conv/window_4x16x16_s4", "conv/widened_32x32x64"};
            if (!candidate.applicable() || std::ranges::find(kSome, candidate.name) == kSome.end()) continue;
            ++tried;
            OperationCase::Prepared prepared = built.operation.prepare(device, candidate, caps);
            prepared.runner->run_spilled();
            expect_near(built.operation.output(prepared), built.expected, tolerance(each, built.terms), candidate.name);
            EXPECT_TRUE(prepared.runner->intact()) << candidate.name;
        }
    }
    EXPECT_EQ(tried, 6);
}

class ProductsOnUnits : public testing::TestWithParam<matrix::Case> {};

TEST_P(ProductsOnUnits, AgreeWithTheHostReference) {
    if (!can_play_units()) GTEST_SKIP() << "no shaders, no storage of float16, or small workgroups";
    const matrix::Built built = matrix::build(GetParam());
    EXPECT_GE(check_on_units(built.operation, built.expected, matrix::tolerance_of(GetParam(), built), kTiles), 1);
}

std::vector<matrix::Case> products() {
    std::vector<matrix::Case> cases{
        {.name = "odd_rows", .a = {33, 64}, .b = {64, 40}, .bias = true, .operand = {33, 40}},
        {.name = "whole_tiles", .a = {128, 256}, .b = {256, 128}, .bias = true, .operand = {128, 128}},
        {.name = "one_row_few_columns", .a = {1, 72}, .b = {72, 8}},
        {.name = "cut_depth", .a = {17, 3072}, .b = {3072, 64}, .bias = true, .operand = {64}},
        {.name = "batch_times_matrix", .a = {3, 17, 48}, .b = {48, 16}, .operand = {16}},
        {.name = "dynamic_rows", .a = {3, 17, 32}, .b = {32, 24}, .bias = true, .operand = {3, 17, 24}, .dynamic = true},
        {.name = "normalized", .a = {70, 128}, .b = {128, 72}, .bias = true, .operand = {70, 72}, .normalized = {{1e-5f, true}}, .mean = 20.0f},
        {.name = "normalized_uncentred", .a = {3, 17, 384}, .b = {384, 128}, .bias = true, .normalized = {{1e-3f, false}}},
    };
    for (matrix::Case& c : cases) c.a_type = c.out_type = DataType::kHALF;
    return cases;
}
INSTANTIATE_TEST_SUITE_P(Shapes, ProductsOnUnits, testing::ValuesIn(products()), [](const auto& test) { return test.param.name; });

} // namespace
} // namespace tensorvk::test
