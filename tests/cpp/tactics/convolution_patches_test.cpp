// Convolutions of few channels whose windows do not overlap, as products of what lies under them, against the host's reference.
#include <gtest/gtest.h>

#include <string_view>

#include "tactics/convolution_check.hpp"
#include "tactics/played_units.hpp"

namespace tensorvk::test {
namespace {

class Patches : public testing::TestWithParam<Case> {};

//! How many candidates with one of the smaller tiles were right.
int check_patches(const Case& c, const vulkan::DeviceCaps& caps) {
    const Built built = build(c);
    int tried = 0;
    for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
        const std::string_view name = candidate.name;
        const bool small = name.ends_with("_shared_32x32_4x4") || name.ends_with("_shared_64x16_4x4") || name.ends_with("_coopmat_32x32x64") || name.ends_with("_coopmat_64x64x64");
        if (!candidate.applicable() || !name.starts_with("conv/patches_") || !small) continue;
        ++tried;
        OperationCase::Prepared prepared = built.operation.prepare(vulkan::Device::by_index(0), candidate, caps);
        prepared.runner->run();
        expect_near(built.operation.output(prepared), built.expected, tolerance(c, built.terms), candidate.name);
    }
    return tried;
}

TEST_P(Patches, AgreeWithTheHostReference) {
    const Case& c = GetParam();
    const bool half = c.in_type == DataType::kHALF || c.out_type == DataType::kHALF;
    vulkan::DeviceCaps caps = vulkan::Device::by_index(0)->caps();
    if (!caps.shaders || (half && !caps.fp16_storage)) GTEST_SKIP() << "no shaders, or no storage of float16";
    if (half && can_play_units()) {
        EXPECT_GT(check_patches(c, with_units(caps)), 0);
    }
    caps.is_cpu = caps.cooperative_matrix = false;
    EXPECT_GT(check_patches(c, caps), 0);
}

Case patches(std::string name, std::vector<std::int64_t> x, std::int64_t out, std::int64_t kernel) { return conv2d(std::move(name), std::move(x), out, kernel, kernel, 0); }

std::vector<Case> cases() {
    const auto rows = [](Case& c) { c.in_layout = Layout::kLINEAR; };
    const auto to_half = [](Case& c) { c.out_type = DataType::kHALF; };
    const auto halves = [](Case& c) { c.in_type = c.out_type = DataType::kHALF; };
    return {
        with(patches("rows", {2, 3, 24, 40}, 33, 8), rows),
        patches("pixels_that_are_left_over", {1, 3, 19, 23}, 40, 4),
        with(patches("rows_to_halves", {2, 3, 32, 48}, 48, 16), [&](Case& c) { rows(c), to_half(c); }),
        with(patches("halves_residual", {3, 5, 17, 33}, 24, 8), [&](Case& c) { halves(c), c.operands = Operands::kRESIDUAL; }),
        with(patches("one_channel_one_position_without_bias", {1, 1, 8, 8}, 32, 8), [&](Case& c) { halves(c), c.bias = false; }),
        with(patches("uneven_with_gaps", {1, 6, 20, 23}, 32, 4), [&](Case& c) { halves(c), rows(c), c.kernel = {4, 2}, c.stride = {5, 3}; }),
        with(patches("dynamic_batch_per_channel", {3, 3, 16, 24}, 32, 8), [&](Case& c) { to_half(c), c.dynamic = true, c.operands = Operands::kPER_CHANNEL; }),
        with(patches("to_rows", {1, 3, 16, 16}, 24, 8), [&](Case& c) { rows(c), c.out_layout = Layout::kLINEAR; }),
    };
}
INSTANTIATE_TEST_SUITE_P(Shapes, Patches, testing::ValuesIn(cases()), [](const auto& test) { return test.param.name; });

TEST(PatchCandidates, AreForFewChannelsUnderWindowsThatDoNotOverlap) {
    const auto refusal = [](const Case& c) {
        vulkan::DeviceCaps caps = vulkan::Device::by_index(0)->caps();
        caps.is_cpu = false;
        for (const tactics::Candidate& candidate : build(c).operation.candidates(caps)) {
            if (candidate.name == "conv/patches") return candidate.refusal;
        }
        return std::string();
    };
    EXPECT_EQ(refusal(patches("fits", {1, 3, 16, 16}, 8, 4)), "");
    EXPECT_EQ(refusal(conv2d("overlaps", {1, 3, 16, 16}, 8, 4, 2, 0)), "the windows overlap, are dilated or reach beside the picture");
    EXPECT_EQ(refusal(conv2d("padded", {1, 3, 16, 16}, 8, 4, 4, 1)), "the windows overlap, are dilated or reach beside the picture");
    EXPECT_EQ(refusal(patches("channels", {1, 8, 16, 16}, 8, 4)), "there are 8 channels, which lie together as they are");
    EXPECT_EQ(refusal(patches("threes", {1, 3, 9, 9}, 8, 3)), "the 27 elements of a window do not come in fours");
    EXPECT_EQ(refusal(patches("one_tap", {1, 3, 9, 9}, 8, 1)), "the window has one tap");
}

} // namespace
} // namespace tensorvk::test
