// Transposed convolutions, whose phases are parts of one product, and convolutions of volumes and lines, with every tactic against the host's reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "tactics/convolution_check.hpp"

namespace tensorvk::test {
namespace {

using Numbers = std::vector<std::int64_t>;

Case transposed(std::string name, Numbers x, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t pad, std::int64_t more = 0) {
    return with(conv2d(std::move(name), std::move(x), out, kernel, stride, pad), [&](Case& c) { c.transposed = true, c.output_padding = {more, more}; });
}

//! The same numbers along each of the axes that x has beside batch and channels.
Case along_axes(std::string name, Numbers x, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
    const auto each = [count = x.size() - 2](std::int64_t number) { return Numbers(count, number); };
    return {.name = std::move(name), .x = std::move(x), .out = out, .kernel = each(kernel), .stride = each(stride), .dilation = each(1), .pre = each(pad), .post = each(pad)};
}

void to_half(Case& c) { c.in_type = c.out_type = DataType::kHALF; }
void to_linear(Case& c) { c.in_layout = c.out_layout = Layout::kLINEAR; }

std::vector<Case> transposed_cases() {
    return {
        // What decoders are made of. Of 4 taps at stride 2 all phases have 2, of 3 and 5 they have unlike numbers.
        transposed("k4s2", {1, 64, 8, 9}, 32, 4, 2, 1),
        with(transposed("k4s2_half_residual", {2, 32, 5, 7}, 16, 4, 2, 1), [](Case& c) { to_half(c), c.operands = Operands::kRESIDUAL; }),
        with(transposed("k3s2_half", {1, 64, 17, 3}, 64, 3, 2, 1, 1), to_half),
        transposed("k5s2", {1, 32, 9, 6}, 24, 5, 2, 2, 1),
        with(transposed("k2s2_half_per_channel", {1, 64, 33, 17}, 40, 2, 2, 0), [](Case& c) { to_half(c), c.operands = Operands::kPER_CHANNEL; }),
        // Outputs that are no whole number of strides: the last positions of some phases have none.
        with(transposed("k3s2_cropped_half_residual", {2, 32, 9, 5}, 32, 3, 2, 1), [](Case& c) { to_half(c), c.operands = Operands::kRESIDUAL; }),
        with(transposed("k3s2_cropped", {1, 17, 1, 33}, 33, 3, 2, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(transposed("k5s3_cropped_to_rows", {3, 16, 5, 4}, 9, 5, 3, 1), [](Case& c) { c.out_layout = Layout::kLINEAR; }),
        with(transposed("k5s3_half_from_rows", {1, 16, 4, 5}, 8, 5, 3, 1, 1), [](Case& c) { to_half(c), c.in_layout = Layout::kLINEAR; }),
        with(transposed("many_terms_of_few_positions_cropped_half", {1, 512, 3, 3}, 24, 3, 2, 1), to_half),
        transposed("many_terms_of_few_positions_cropped", {1, 512, 3, 3}, 24, 3, 2, 1),
        transposed("many_terms_of_few_positions", {1, 264, 2, 3}, 40, 4, 2, 1),
        // Phases without any tap: nothing but the bias.
        with(transposed("k1s3", {1, 16, 5, 7}, 8, 1, 3, 0, 2), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(transposed("k2s3_half", {1, 16, 17, 5}, 24, 2, 3, 0), to_half),
        transposed("one_pixel", {1, 33, 1, 1}, 17, 4, 2, 1),
        transposed("one_pixel_smaller_than_the_stride", {1, 3, 1, 1}, 5, 3, 3, 1),
        transposed("stride1", {1, 16, 9, 7}, 24, 5, 1, 1),
        with(transposed("stride1_dilated", {1, 16, 9, 7}, 24, 3, 1, 2), [](Case& c) { c.dilation = {2, 3}; }),
        with(transposed("dilated_along_the_other_axis", {1, 16, 9, 7}, 24, 3, 1, 1), [](Case& c) { c.stride = {2, 1}, c.dilation = {1, 5}; }),
        with(transposed("dilated_with_a_stride", {1, 12, 9, 7}, 20, 3, 2, 1), [](Case& c) { c.dilation = {3, 2}; }),
        with(transposed("uneven", {1, 20, 6, 9}, 12, 4, 2, 0),
             [](Case& c) {
                 c.kernel = {3, 5}, c.stride = {1, 3}, c.pre = {0, 4}, c.post = {2, 1}, c.output_padding = {0, 2};
             }),
        with(transposed("more_pads_than_stride", {1, 8, 9, 8}, 12, 4, 2, 3), [](Case& c) { c.operands = Operands::kSCALAR; }),
        with(transposed("groups", {1, 24, 5, 7}, 36, 4, 2, 1), [](Case& c) { c.groups = 3; }),
        with(transposed("groups_half_cropped", {1, 32, 5, 7}, 16, 3, 2, 1), [](Case& c) { to_half(c), c.groups = 2, c.operands = Operands::kPER_CHANNEL; }),
        with(transposed("groups_odd", {3, 15, 4, 5}, 9, 3, 2, 1, 1), [](Case& c) { c.groups = 3; }),
        with(transposed("depthwise", {1, 16, 5, 7}, 16, 4, 2, 1), [](Case& c) { c.groups = 16; }),
        with(transposed("k2s2_groups", {1, 16, 5, 7}, 32, 2, 2, 0), [](Case& c) { c.groups = 4; }),
        with(transposed("to_three_channels", {1, 64, 9, 9}, 3, 4, 2, 1), [](Case& c) { c.out_layout = Layout::kLINEAR; }),
        with(transposed("rows_both", {2, 5, 6, 3}, 7, 3, 2, 1, 1), to_linear),
        with(transposed("no_bias", {1, 16, 5, 7}, 8, 4, 2, 1), [](Case& c) { c.bias = false, c.operands = Operands::kNONE; }),
        with(transposed("weights_are_data", {1, 16, 5, 7}, 8, 3, 2, 1), [](Case& c) { c.constant_weights = false; }),
        with(transposed("dynamic_batch", {3, 16, 5, 7}, 8, 4, 2, 1), [](Case& c) { c.dynamic = true, c.operands = Operands::kRESIDUAL; }),
        transposed("no_pictures", {0, 16, 5, 7}, 8, 3, 2, 1),
        with(along_axes("transposed_line_k4s2", {2, 16, 33}, 12, 4, 2, 1), [](Case& c) { c.transposed = true; }),
        with(along_axes("transposed_line_k5s3_half", {1, 64, 17}, 32, 5, 3, 1), [](Case& c) { c.transposed = true, to_half(c); }),
        with(along_axes("transposed_volume_k2s2", {1, 16, 3, 5, 4}, 8, 2, 2, 0), [](Case& c) { c.transposed = true; }),
        with(along_axes("transposed_volume_k3s2_cropped_half", {2, 16, 3, 1, 5}, 24, 3, 2, 1), [](Case& c) { c.transposed = true, to_half(c), c.operands = Operands::kRESIDUAL; }),
        with(along_axes("transposed_volume_uneven", {1, 12, 3, 4, 5}, 20, 3, 1, 0),
             [](Case& c) {
                 c.transposed = true, c.groups = 2, c.kernel = {1, 4, 3}, c.stride = {3, 2, 1}, c.pre = {0, 1, 2}, c.post = {0, 2, 0}, c.output_padding = {1, 0, 0};
             }),
    };
}

std::vector<Case> volume_cases() {
    return {
        along_axes("volume_k3", {1, 16, 5, 7, 6}, 24, 3, 1, 1),
        with(along_axes("volume_k3_half_residual", {2, 32, 3, 5, 9}, 32, 3, 1, 1), [](Case& c) { to_half(c), c.operands = Operands::kRESIDUAL; }),
        with(along_axes("volume_k3s2_half", {1, 16, 9, 17, 5}, 48, 3, 2, 1), to_half),
        along_axes("volume_one_channel", {1, 1, 4, 9, 11}, 17, 3, 1, 1),
        with(along_axes("volume_one_channel_to_halves", {1, 1, 4, 9, 11}, 24, 3, 2, 1), [](Case& c) { c.in_layout = Layout::kLINEAR, c.out_type = DataType::kHALF; }),
        along_axes("volume_pointwise", {2, 32, 3, 3, 5}, 40, 1, 1, 0),
        along_axes("volume_pointwise_stride2_of_few", {1, 64, 3, 3, 3}, 24, 1, 2, 0),
        with(along_axes("volume_uneven", {1, 12, 6, 9, 8}, 20, 2, 1, 0),
             [](Case& c) {
                 c.kernel = {3, 1, 2}, c.stride = {2, 1, 3}, c.dilation = {1, 2, 3}, c.pre = {0, 1, 2}, c.post = {2, 0, 1};
             }),
        with(along_axes("volume_groups_from_rows", {1, 12, 4, 5, 3}, 24, 3, 1, 1), [](Case& c) { c.groups = 3, c.in_layout = Layout::kLINEAR; }),
        with(along_axes("volume_depthwise", {1, 16, 4, 5, 3}, 16, 3, 1, 1), [](Case& c) { c.groups = 16; }),
        with(along_axes("volume_rows_both", {3, 5, 3, 4, 7}, 6, 3, 1, 1), to_linear),
        with(along_axes("volume_many_terms_of_few_positions_half", {1, 128, 2, 3, 3}, 32, 3, 1, 1), to_half),
        with(along_axes("volume_dynamic_batch", {3, 16, 3, 5, 4}, 16, 3, 1, 1), [](Case& c) { c.dynamic = true, c.operands = Operands::kRESIDUAL; }),
        along_axes("volume_one_element", {1, 8, 1, 1, 1}, 8, 3, 1, 1),
        with(along_axes("line_half", {2, 32, 33}, 48, 5, 1, 2), [](Case& c) { to_half(c), c.operands = Operands::kRESIDUAL; }),
        with(along_axes("line_dilated_groups", {1, 24, 65}, 36, 3, 2, 4), [](Case& c) { c.dilation = {4}, c.groups = 3; }),
        along_axes("line_of_one", {1, 17, 1}, 33, 3, 1, 1),
    };
}

class TransposedConvolutions : public testing::TestWithParam<Case> {};
TEST_P(TransposedConvolutions, AgreeWithTheHostReference) { check_convolution(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Shapes, TransposedConvolutions, testing::ValuesIn(transposed_cases()), [](const auto& shape) { return shape.param.name; });

class VolumesAndLines : public testing::TestWithParam<Case> {};
TEST_P(VolumesAndLines, AgreeWithTheHostReference) { check_convolution(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Shapes, VolumesAndLines, testing::ValuesIn(volume_cases()), [](const auto& shape) { return shape.param.name; });

//! One of each kind, since CPU drivers take a while to make these pipelines.
std::vector<Case> gpu_cases() {
    constexpr std::array<std::string_view, 14> kNames{"k4s2_half_residual", "k3s2_cropped", "k5s3_cropped_to_rows", "many_terms_of_few_positions_cropped", "k1s3", "one_pixel",
                                                      "groups", "stride1_dilated", "uneven", "transposed_volume_uneven", "volume_k3", "volume_pointwise_stride2_of_few", "volume_groups_from_rows", "line_half"};
    std::vector<Case> out;
    for (const std::vector<Case>& cases : {transposed_cases(), volume_cases()}) {
        std::ranges::copy_if(cases, std::back_inserter(out), [&](const Case& c) { return std::ranges::count(kNames, c.name) > 0; });
    }
    return out;
}

class PhasesAndVolumesForGpus : public testing::TestWithParam<Case> {};
TEST_P(PhasesAndVolumesForGpus, AgreeWithTheHostReference) { check_products_for_gpus(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Shapes, PhasesAndVolumesForGpus, testing::ValuesIn(gpu_cases()), [](const auto& shape) { return shape.param.name; });

//! What a GPU with everything may choose from, by the parts of names behind the family's.
std::vector<std::string> offered(const Case& c) {
    vulkan::DeviceCaps caps;
    caps.shaders = caps.fp16_storage = caps.fp16_arithmetic = true;
    caps.limits.max_shared_memory = 32768;
    caps.limits.max_workgroup_invocations = 256;
    std::vector<std::string> out;
    for (const tactics::Candidate& candidate : build(c).operation.candidates(caps)) {
        if (candidate.applicable()) out.push_back(candidate.name);
    }
    return out;
}

bool offers(const Case& c, const std::string& part) {
    const std::vector<std::string> names = offered(c);
    return std::ranges::any_of(names, [&](const std::string& name) { return name.find(part) != std::string::npos; });
}

TEST(ConvolutionCandidates, AnyWindowAndStrideOfATransposedOneIsAProductUnlessItIsDilatedAlongAStride) {
    EXPECT_TRUE(offers(transposed("k4s2", {1, 64, 8, 8}, 32, 4, 2, 1), "deconv/shared_"));
    EXPECT_TRUE(offers(with(transposed("groups", {1, 64, 8, 8}, 32, 3, 2, 1, 1), [](Case& c) { c.groups = 2; }), "deconv/shared_"));
    EXPECT_TRUE(offers(along_axes("volume", {1, 16, 5, 6, 7}, 32, 3, 1, 1), "conv/shared_"));
    EXPECT_FALSE(offers(with(transposed("dilated", {1, 64, 8, 8}, 32, 3, 2, 1), [](Case& c) { c.dilation = {1, 2}; }), "deconv/shared_"));
}

} // namespace
} // namespace tensorvk::test
