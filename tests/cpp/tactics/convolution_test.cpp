// Every convolution tactic that this device has, over odd shapes, against the host's reference.
#include <gtest/gtest.h>

#include "tactics/convolution_check.hpp"

namespace tensorvk::test {
namespace {

class ConvolutionTactics : public testing::TestWithParam<Case> {};

TEST_P(ConvolutionTactics, AgreeWithTheHostReference) { check_convolution(GetParam()); }

class ProductsForGpus : public ConvolutionTactics {};

TEST_P(ProductsForGpus, AgreeWithTheHostReference) { check_products_for_gpus(GetParam()); }

std::vector<Case> cases() {
    const auto linear = [](Case& c) { c.in_layout = c.out_layout = Layout::kLINEAR; };
    const auto half = [](Case& c) { c.in_type = c.out_type = DataType::kHALF; };
    const auto few = [](Case& c) { c.in_layout = Layout::kLINEAR, c.out_type = DataType::kHALF; };
    return {
        conv2d("one_pixel", {1, 1, 1, 1}, 1, 1, 1, 0),
        // Few channels, to halves: what matrix units widen, by pairs of pixels where the stride is 2 and lines are even.
        with(conv2d("picture_to_halves", {2, 3, 17, 34}, 32, 7, 2, 3), [&](Case& c) { few(c); }),
        with(conv2d("picture_many_tiles", {2, 3, 41, 75}, 64, 7, 2, 3), [&](Case& c) { few(c), c.operands = Operands::kRESIDUAL; }),
        with(conv2d("picture_seven_channels", {1, 7, 20, 35}, 36, 3, 2, 1), [&](Case& c) { few(c), c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("picture_stride1_many_columns", {1, 3, 18, 37}, 132, 3, 1, 1), [&](Case& c) { few(c); }),
        with(conv2d("picture_one_channel_5x5", {3, 1, 9, 17}, 20, 5, 1, 1), [&](Case& c) { few(c), c.bias = false, c.operands = Operands::kSCALAR; }),
        with(conv2d("picture_odd_lines", {1, 3, 16, 33}, 24, 7, 2, 3), [&](Case& c) { few(c), c.in_layout = Layout::kCHANNELS_LAST; }),
        with(conv2d("picture_even_padding", {1, 4, 9, 18}, 16, 5, 2, 2), [&](Case& c) { few(c); }),
        with(conv2d("picture_unpadded", {1, 1, 9, 18}, 8, 3, 2, 0), [&](Case& c) { few(c), c.in_type = DataType::kHALF, c.bias = false; }),
        with(conv2d("picture_stride1", {1, 5, 9, 7}, 40, 3, 1, 1), [&](Case& c) { few(c), c.operands = Operands::kRESIDUAL; }),
        with(conv2d("picture_dynamic", {3, 3, 8, 10}, 16, 3, 2, 1), [&](Case& c) { few(c), c.dynamic = true; }),
        conv2d("c3_to_c17", {1, 3, 17, 33}, 17, 3, 1, 1),
        with(conv2d("first_layer_linear_in", {3, 3, 17, 33}, 32, 3, 1, 1),
             [](Case& c) { c.in_layout = Layout::kLINEAR; }),
        with(conv2d("first_layer_linear_in_c1_to_c8_s2", {1, 1, 33, 17}, 8, 5, 2, 2),
             [](Case& c) { c.in_layout = Layout::kLINEAR; }),
        with(conv2d("last_layer_one_channel_linear_out", {1, 32, 17, 33}, 1, 1, 1, 0),
             [](Case& c) { c.out_layout = Layout::kLINEAR; }),
        conv2d("c16_to_c8", {1, 16, 9, 13}, 8, 3, 1, 1),
        with(conv2d("squared", {1, 17, 9, 13}, 33, 3, 1, 1), [](Case& c) { c.operands = Operands::kSQUARE; }),
        with(conv2d("squared_linear_out", {2, 16, 5, 3}, 8, 1, 1, 0),
             [](Case& c) { c.operands = Operands::kSQUARE, c.out_layout = Layout::kLINEAR; }),
        with(conv2d("transposed_squared", {1, 8, 5, 7}, 17, 2, 2, 0), [](Case& c) { c.transposed = true, c.operands = Operands::kSQUARE; }),
        conv2d("c64_to_c64", {1, 64, 14, 14}, 64, 3, 1, 1),
        conv2d("c64_to_c64_batch3", {3, 64, 7, 9}, 64, 3, 1, 1),
        conv2d("c128_to_c96_stride2", {1, 128, 17, 15}, 96, 3, 2, 1),
        conv2d("c33_to_c17_stride3", {1, 33, 17, 17}, 17, 3, 3, 0),
        conv2d("c256_to_c128_4x4_small_m", {1, 256, 4, 4}, 128, 3, 1, 1),
        conv2d("pointwise_c40_to_c24", {1, 40, 11, 5}, 24, 1, 1, 0),
        conv2d("pointwise_stride2", {3, 32, 9, 9}, 64, 1, 2, 0),
        with(conv2d("half_pointwise_stride2", {3, 64, 9, 9}, 48, 1, 2, 0), [](Case& c) { c.in_type = c.out_type = DataType::kHALF; }),
        with(conv2d("half_pointwise_cut_off", {2, 64, 9, 7}, 48, 1, 1, 0), [](Case& c) { c.in_type = c.out_type = DataType::kHALF, c.post = {2, 1}; }),
        with(conv2d("long_depth_linear_out", {2, 128, 5, 7}, 16, 1, 1, 0), [](Case& c) { c.out_layout = Layout::kLINEAR; }),
        conv2d("one_pixel_all_taps", {1, 33, 1, 1}, 3, 3, 1, 1),
        // Few positions: what gates of mobile networks and the last layers of classifiers are.
        with(conv2d("one_place_c672_to_c28", {1, 672, 1, 1}, 28, 1, 1, 0), [&](Case& c) { half(c); }),
        with(conv2d("one_place_c28_to_c672", {1, 28, 1, 1}, 672, 1, 1, 0), [&](Case& c) { half(c), c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("three_places_c33_to_c17", {3, 33, 1, 1}, 17, 1, 1, 0), [&](Case& c) { linear(c), c.operands = Operands::kRESIDUAL; }),
        with(conv2d("six_places_of_two_groups_stride2", {1, 36, 3, 5}, 22, 1, 2, 0), [&](Case& c) { c.groups = 2; }),
        conv2d("linear_step_of_three_channels", {2, 6, 3, 17}, 33, 3, 2, 1),
        with(conv2d("groups_of_three_linear_in", {1, 9, 17, 3}, 12, 3, 1, 1),
             [](Case& c) { c.groups = 3, c.in_layout = Layout::kLINEAR; }),
        // Enough channels that Winograd's transforms pay: whole and cut tiles, more pictures, padding on one side or none.
        with(conv2d("winograd_residual_batch3", {3, 64, 33, 17}, 64, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("winograd_uneven_pads_odd_channels", {1, 71, 19, 30}, 33, 3, 1, 0),
             [](Case& c) {
                 c.pre = {0, 2}, c.post = {2, 0}, c.operands = Operands::kPER_CHANNEL;
             }),
        with(conv2d("winograd_few_tiles_many_channels", {1, 256, 7, 7}, 161, 3, 1, 1), [](Case& c) { c.operands = Operands::kROW; }),
        with(conv2d("winograd_dynamic", {3, 64, 15, 40}, 48, 3, 1, 1), [](Case& c) { c.dynamic = true; }),
        {.name = "winograd_volume_of_pictures",
         .x = {2, 32, 3, 17, 18},
         .out = 40,
         .kernel = {1, 3, 3},
         .stride = {1, 1, 1},
         .dilation = {1, 1, 1},
         .pre = {0, 1, 1},
         .post = {0, 1, 1}},
        with(conv2d("winograd_no_pads_dynamic_weights", {1, 64, 18, 19}, 64, 3, 1, 0),
             [](Case& c) { c.constant_weights = false, c.bias = false, c.operands = Operands::kNONE; }),
        with(conv2d("dilation2", {1, 12, 17, 17}, 20, 3, 1, 2),
             [](Case& c) {
                 c.dilation = {2, 2};
             }),
        with(conv2d("asymmetric_pads", {1, 8, 10, 9}, 12, 3, 2, 0),
             [](Case& c) {
                 c.pre = {0, 1}, c.post = {1, 2};
             }),
        with(conv2d("rectangular_kernel", {1, 16, 10, 9}, 16, 3, 1, 0),
             [](Case& c) {
                 c.kernel = {1, 5}, c.pre = {0, 2}, c.post = {0, 2};
             }),
        with(conv2d("groups2", {1, 16, 9, 9}, 24, 3, 1, 1), [](Case& c) { c.groups = 2; }),
        with(conv2d("groups3_odd", {1, 15, 9, 9}, 21, 3, 1, 1), [](Case& c) { c.groups = 3; }),
        with(conv2d("depthwise3x3", {1, 32, 17, 13}, 32, 3, 1, 1), [](Case& c) { c.groups = 32; }),
        with(conv2d("depthwise3x3_stride2", {3, 24, 17, 13}, 24, 3, 2, 1), [](Case& c) { c.groups = 24; }),
        with(conv2d("depthwise5x5_odd_channels", {1, 17, 9, 13}, 17, 5, 1, 2), [](Case& c) { c.groups = 17; }),
        with(conv2d("depthwise_dilated", {1, 8, 15, 13}, 8, 3, 1, 2),
             [](Case& c) {
                 c.groups = 8, c.dilation = {2, 2};
             }),
        with(conv2d("depthwise_multiplier2", {1, 8, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.groups = 8; }),
        with(conv2d("linear_both", {3, 5, 9, 7}, 6, 3, 1, 1), linear),
        with(conv2d("no_bias_no_epilogue", {1, 16, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.bias = false, c.operands = Operands::kNONE; }),
        with(conv2d("residual", {1, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("residual_odd", {3, 7, 9, 9}, 17, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("residual_other_layout", {3, 7, 9, 9}, 17, 3, 1, 1),
             [](Case& c) { c.operands = Operands::kOTHER_LAYOUT; }),
        with(conv2d("per_channel_operand", {1, 16, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("scalar_operand", {1, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.operands = Operands::kSCALAR; }),
        with(conv2d("row_operand", {1, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.operands = Operands::kROW; }),
        with(conv2d("row_operand_linear", {3, 5, 9, 7}, 6, 3, 1, 1), [&](Case& c) { linear(c), c.operands = Operands::kROW; }),
        with(conv2d("dynamic_weights", {1, 16, 9, 9}, 33, 3, 1, 1), [](Case& c) { c.constant_weights = false; }),
        with(conv2d("dynamic_weights_depthwise", {1, 9, 9, 9}, 9, 3, 1, 1), [](Case& c) { c.constant_weights = false, c.groups = 9; }),
        with(conv2d("more_channels_than_a_piece", {1, 8, 5, 5}, 600, 1, 1, 0), [](Case& c) { c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("many_blocks", {1, 32, 40, 41}, 40, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("depthwise_linear", {1, 9, 9, 13}, 9, 3, 1, 1), [&](Case& c) { linear(c), c.groups = 9; }),
        with(conv2d("depthwise_more_taps_than_at_once", {1, 20, 13, 13}, 20, 9, 1, 4), [](Case& c) { c.groups = 20; }),
        with(conv2d("padding_alone", {1, 4, 1, 1}, 4, 3, 1, 3), [](Case& c) { c.dilation = {2, 2}; }),
        with(conv2d("dynamic_batch", {3, 16, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.dynamic = true, c.operands = Operands::kRESIDUAL; }),
        with(conv2d("half_c16_to_c24", {1, 16, 9, 11}, 24, 3, 1, 1), half),
        with(conv2d("half_c32_to_c64_batch3", {3, 32, 17, 9}, 64, 3, 1, 1), half),
        with(conv2d("half_residual", {1, 64, 9, 9}, 64, 3, 1, 1),
             [](Case& c) { c.in_type = c.out_type = DataType::kHALF, c.operands = Operands::kRESIDUAL; }),
        with(conv2d("half_residual_of_many_results", {1, 8, 187, 91}, 136, 1, 1, 0), [&](Case& c) { half(c), c.operands = Operands::kRESIDUAL; }),
        with(conv2d("half_odd", {1, 17, 9, 9}, 33, 3, 2, 1), half),
        with(conv2d("half_first_layer", {1, 3, 17, 17}, 32, 3, 1, 1),
             [](Case& c) { c.in_layout = Layout::kLINEAR, c.out_type = DataType::kHALF; }),
        with(conv2d("half_last_layer", {1, 32, 17, 17}, 1, 1, 1, 0),
             [](Case& c) { c.out_layout = Layout::kLINEAR, c.in_type = DataType::kHALF; }),
        with(conv2d("half_depthwise", {1, 16, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.in_type = c.out_type = DataType::kHALF, c.groups = 16; }),
        {.name = "conv1d",
         .x = {3, 6, 33},
         .out = 10,
         .kernel = {7},
         .stride = {2},
         .dilation = {1},
         .pre = {3},
         .post = {3}},
        {.name = "conv1d_linear",
         .x = {1, 1, 65},
         .out = 12,
         .kernel = {16},
         .stride = {8},
         .dilation = {1},
         .pre = {0},
         .post = {0},
         .in_layout = Layout::kLINEAR,
         .out_layout = Layout::kLINEAR},
        {.name = "conv3d",
         .x = {1, 4, 5, 6, 7},
         .out = 8,
         .kernel = {3, 3, 3},
         .stride = {1, 2, 1},
         .dilation = {1, 1, 1},
         .pre = {1, 1, 1},
         .post = {1, 1, 1}},
        with(conv2d("transposed_2x2", {1, 16, 5, 7}, 8, 2, 2, 0), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_2x2_batch3_odd", {3, 17, 5, 7}, 9, 2, 2, 0), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_2x2_c64", {1, 64, 8, 8}, 32, 2, 2, 0), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_3x3_output_padding", {1, 8, 5, 7}, 6, 3, 2, 1),
             [](Case& c) {
                 c.transposed = true, c.output_padding = {1, 1};
             }),
        with(conv2d("transposed_groups", {1, 8, 5, 7}, 6, 4, 2, 1), [](Case& c) { c.transposed = true, c.groups = 2; }),
        with(conv2d("transposed_linear", {1, 8, 5, 7}, 6, 3, 3, 0),
             [](Case& c) { c.transposed = true, c.in_layout = c.out_layout = Layout::kLINEAR; }),
        with(conv2d("transposed_stride1", {2, 17, 6, 5}, 9, 3, 1, 1), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_stride1_groups", {1, 8, 5, 7}, 6, 3, 1, 0), [](Case& c) { c.transposed = true, c.groups = 2; }),
        with(conv2d("transposed_4x4_padded", {2, 8, 5, 7}, 6, 4, 2, 1), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_5x5_stride3", {1, 3, 5, 7}, 4, 5, 3, 1), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_2x2_linear", {3, 5, 1, 4}, 3, 2, 2, 0),
             [](Case& c) { c.transposed = true, c.in_layout = c.out_layout = Layout::kLINEAR; }),
        {.name = "transposed_volume",
         .x = {1, 4, 3, 2, 5},
         .out = 6,
         .kernel = {2, 3, 4},
         .stride = {2, 1, 2},
         .dilation = {1, 1, 1},
         .pre = {0, 1, 1},
         .post = {0, 1, 1},
         .transposed = true},
        with(conv2d("transposed_gaps", {1, 8, 5, 7}, 6, 2, 3, 0), [](Case& c) { c.transposed = true, c.output_padding = {1, 1}; }),
        with(conv2d("transposed_dilated", {1, 8, 5, 7}, 6, 3, 2, 1),
             [](Case& c) { c.transposed = true, c.dilation = {2, 3}, c.operands = Operands::kOTHER_LAYOUT; }),
        with(conv2d("transposed_depthwise_linear_out", {3, 8, 5, 7}, 8, 4, 2, 1),
             [](Case& c) { c.transposed = true, c.groups = 8, c.out_layout = Layout::kLINEAR, c.operands = Operands::kRESIDUAL; }),
        with(conv2d("transposed_2x2_half", {1, 32, 5, 7}, 16, 2, 2, 0),
             [](Case& c) { c.transposed = true, c.in_type = c.out_type = DataType::kHALF; }),
    };
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConvolutionTactics, testing::ValuesIn(cases()),
                         [](const auto& shape) { return shape.param.name; });

//! Every case again in bfloat16, with results of that and of float32.
std::vector<Case> bfloat_cases() {
    std::vector<Case> out;
    for (Case c : cases()) {
        if (c.in_type == DataType::kHALF || c.out_type == DataType::kHALF) continue;
        c.in_type = c.out_type = DataType::kBF16;
        out.push_back(c);
        if (out.size() % 3 != 0) continue; // there are many
        c.name += "_float_out";
        c.out_type = DataType::kFLOAT;
        out.push_back(c);
        c.name += "_not_in";
        std::swap(c.in_type, c.out_type);
        out.push_back(c);
    }
    return out;
}
INSTANTIATE_TEST_SUITE_P(Bfloats, ConvolutionTactics, testing::ValuesIn(bfloat_cases()),
                         [](const auto& shape) { return shape.param.name; });

//! Transposed convolutions of floats again with 8-bit results, and what they share with others: operands of every kind, few channels, no bias; and what
//! Winograd's kernel makes of them.
std::vector<Case> quantizing_cases() {
    std::vector<Case> out;
    for (Case c : cases()) {
        if (!c.transposed || c.in_type != DataType::kFLOAT || c.out_type != DataType::kFLOAT) continue;
        for (const DataType type : {DataType::kINT8, DataType::kUINT8}) {
            Case each = c;
            each.name += type == DataType::kINT8 ? "_int8" : "_uint8";
            each.out_type = type;
            out.push_back(each);
        }
    }
    const Case wide = with(conv2d("wide", {2, 17, 9, 33}, 33, 2, 2, 0), [](Case& c) { c.transposed = true, c.out_type = DataType::kINT8; });
    for (const auto& [name, operands] : {std::pair{"wide_residual", Operands::kRESIDUAL}, {"wide_per_channel", Operands::kPER_CHANNEL},
                                         {"wide_scalar", Operands::kSCALAR}, {"wide_row", Operands::kROW}, {"wide_nothing", Operands::kNONE}}) {
        out.push_back(wide);
        out.back().name = name;
        out.back().operands = operands;
        out.back().bias = operands != Operands::kNONE;
    }
    out.push_back(with(wide, [](Case& c) { c.name = "one_channel", c.out = 1; }));
    out.push_back(with(wide, [](Case& c) { c.name = "many_channels", c.x = {1, 3, 17, 5}, c.out = 301; }));
    const Case whole = with(conv2d("winograd_int8", {1, 64, 33, 18}, 64, 3, 1, 1), [](Case& c) { c.out_type = DataType::kINT8; });
    out.push_back(whole);
    out.push_back(with(whole, [](Case& c) { c.name = "winograd_uint8_residual_few_tiles", c.x = {1, 256, 7, 7}, c.out = 161, c.out_type = DataType::kUINT8, c.operands = Operands::kRESIDUAL; }));
    out.push_back(with(wide, [](Case& c) { c.name = "empty", c.x = {0, 3, 17, 5}; }));
    out.push_back(with(wide, [](Case& c) { c.name = "dynamic", c.dynamic = true; }));
    return out;
}
INSTANTIATE_TEST_SUITE_P(Quantizing, ConvolutionTactics, testing::ValuesIn(quantizing_cases()),
                         [](const auto& shape) { return shape.param.name; });

TEST(ConvolutionCandidates, OnlyTheHostsTilesQuantizeSumsOfFloats) {
    vulkan::DeviceCaps host;
    host.is_cpu = host.host_kernels = true;
    const Case bytes = with(conv2d("bytes", {1, 16, 9, 9}, 16, 2, 2, 0), [](Case& c) { c.transposed = true, c.out_type = DataType::kUINT8; });
    for (const tactics::Candidate& candidate : build(bytes).operation.candidates(host)) {
        EXPECT_EQ(candidate.applicable(), candidate.name == "deconv/cpu_tile") << candidate.name << ": " << candidate.refusal;
    }
}

std::vector<Case> shared_cases() {
    std::vector<Case> out;
    for (const Case& c : cases()) {
        for (const char* name : {"first_layer_linear_in", "c64_to_c64_batch3", "c256_to_c128_4x4_small_m", "groups2",
                                 "residual_odd", "half_residual", "half_pointwise_stride2", "half_pointwise_cut_off", "long_depth_linear_out", "transposed_2x2_c64", "one_place_c672_to_c28", "one_place_c28_to_c672",
                                 "three_places_c33_to_c17", "six_places_of_two_groups_stride2"}) {
            if (c.name == name) out.push_back(c);
        }
    }
    return out;
}

INSTANTIATE_TEST_SUITE_P(Shapes, ProductsForGpus, testing::ValuesIn(shared_cases()),
                         [](const auto& shape) { return shape.param.name; });

} // namespace
} // namespace tensorvk::test
