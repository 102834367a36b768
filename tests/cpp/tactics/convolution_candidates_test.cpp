// Which tactics a convolution has where, why the others refuse, and in which order they come.
#include <gtest/gtest.h>

#include "tactics/convolution_case.hpp"
#include "tactics/large_gpu.hpp"

namespace tensorvk::test {
namespace {

const tactics::Candidate* find(const std::vector<tactics::Candidate>& candidates, const std::string& begin) {
    for (const tactics::Candidate& candidate : candidates) {
        if (candidate.name.starts_with(begin)) return &candidate;
    }
    return nullptr;
}

TEST(ConvolutionCandidates, OfAGpuUseSharedMemoryAndMatrixUnitsOfHalves) {
    Case c = conv2d("halves", {1, 8, 16, 16}, 64, 3, 1, 1);
    c.in_type = c.out_type = DataType::kHALF;
    const auto candidates = build(c).operation.candidates(large_gpu());
    ASSERT_NE(find(candidates, "conv/shared_"), nullptr);
    ASSERT_NE(find(candidates, "conv/coopmat_32x32x64"), nullptr);
    EXPECT_TRUE(find(candidates, "conv/coopmat_32x32x64")->applicable());
}

TEST(ConvolutionCandidates, MatrixUnitsAskDevicesWithSeveralSubgroupSizesFor32Lanes) {
    Case c = conv2d("halves", {1, 8, 16, 16}, 64, 3, 1, 1);
    c.in_type = c.out_type = DataType::kHALF;
    const auto refusal = [&](std::uint32_t usual, std::uint32_t least, std::uint32_t most, bool control) {
        vulkan::DeviceCaps caps = large_gpu();
        caps.subgroup_size = usual;
        caps.min_subgroup_size = least;
        caps.max_subgroup_size = most;
        caps.subgroup_size_control = control;
        const auto candidates = build(c).operation.candidates(caps);
        return find(candidates, "conv/coopmat")->refusal;
    };
    EXPECT_EQ(refusal(32, 32, 32, false), "");
    EXPECT_EQ(refusal(64, 32, 64, true), "") << "as AMD's do";
    EXPECT_EQ(refusal(64, 64, 64, true), "the kernel is made for subgroups of 32 lanes, the device's have 64");
    EXPECT_EQ(refusal(32, 8, 32, false), "the kernel is made for subgroups of 32 lanes, the device's have 8 to 32, and it cannot be asked for a number");
    EXPECT_EQ(refusal(8, 4, 16, true), "the kernel is made for subgroups of 32 lanes, the device's have 4 to 16");
}

TEST(ConvolutionCandidates, PicturesGoThroughWindowsOfMatrixUnits) {
    const auto refusal = [](const Case& c, vulkan::DeviceCaps caps = large_gpu()) {
        const auto candidates = build(c).operation.candidates(caps);
        const auto* found = find(candidates, "conv/window");
        return found == nullptr ? std::string("there is none") : found->refusal;
    };
    const Case first = with(conv2d("first", {1, 3, 32, 40}, 64, 7, 2, 3), [](Case& c) { c.in_layout = Layout::kLINEAR, c.out_type = DataType::kHALF; });
    EXPECT_EQ(refusal(first), "");
    EXPECT_EQ(refusal(with(first, [](Case& c) { c.out = 66; })), "the 66 output channels do not lie together in fours");
    EXPECT_EQ(refusal(with(first, [](Case& c) { c.dilation = {2, 2}; })), "only for windows over pictures without dilation");
    EXPECT_EQ(refusal(with(first, [](Case& c) { c.out_type = DataType::kFLOAT; })), "the network does not compute in float16");
    EXPECT_EQ(refusal(with(first, [](Case& c) { c.kernel = {11, 11}; })), "the weights of a subgroup's columns take 33 fragments, registers hold 32");
    vulkan::DeviceCaps small = large_gpu();
    small.limits.max_shared_memory = 8192;
    EXPECT_NE(refusal(first, small).find("bytes of shared memory, the device has 8192"), std::string::npos) << refusal(first, small);
}

TEST(ConvolutionCandidates, RefuseWithTheValueThatDecided) {
    vulkan::DeviceCaps cpu;
    cpu.is_cpu = true;
    const Built linear =
        build(with(conv2d("floats", {1, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.operands = Operands::kROW; }));
    EXPECT_NE(find(linear.operation.candidates(cpu), "conv/tile")
                  ->refusal.find("'value3' is neither laid out like the output"),
              std::string::npos);
    EXPECT_EQ(find(linear.operation.candidates(cpu), "conv/generic")->refusal, "");
    const Built floats = build(conv2d("floats", {1, 16, 9, 9}, 16, 3, 1, 1));
    EXPECT_EQ(find(floats.operation.candidates(cpu), "conv/shared")->refusal,
              "shared memory and barriers cost 10x on CPU drivers");
    EXPECT_EQ(find(floats.operation.candidates(cpu), "conv/coopmat")->refusal,
              "the device has no cooperative matrices");
    EXPECT_EQ(find(floats.operation.candidates(large_gpu()), "conv/coopmat")->refusal,
              "the input 'value0' is float32, matrix units take float16");
    EXPECT_EQ(find(floats.operation.candidates(cpu), "conv/depthwise")->refusal,
              "there are 1 groups, 16 input and 16 output channels; depthwise means as many of each");
}

TEST(ConvolutionCandidates, AreOfTheHostAloneWhereThereAreNoShaders) {
    vulkan::DeviceCaps host;
    host.is_cpu = host.host_kernels = true;
    host.shaders = false;
    for (const tactics::Candidate& candidate : build(conv2d("floats", {1, 16, 9, 9}, 16, 3, 1, 1)).operation.candidates(host)) {
        if (candidate.host) continue; // oneDNN's, where it is built
        EXPECT_EQ(candidate.refusal, "the device runs no shaders") << candidate.name;
        EXPECT_FALSE(candidate.lower) << candidate.name;
    }
}

TEST(ConvolutionCandidates, CutTheDepthWherePositionsAreFew) {
    const auto names = [](std::vector<std::int64_t> x) {
        std::string all;
        for (const auto& candidate : build(conv2d("cut", std::move(x), 16, 3, 1, 1)).operation.candidates(large_gpu()))
            all += candidate.name + " ";
        return all;
    };
    EXPECT_NE(names({1, 128, 4, 4}).find("_k16 "), std::string::npos);
    EXPECT_EQ(names({1, 4, 160, 160}).find("_k"), std::string::npos);
}

TEST(ConvolutionCandidates, OfACpuDriverReadTexelsAndComeByTheirEstimate) {
    vulkan::DeviceCaps cpu;
    cpu.is_cpu = true;
    cpu.limits.max_storage_range = std::uint64_t{1} << 27;
    const auto first = [&](const Case& c) {
        for (const tactics::Candidate& candidate : build(c).operation.candidates(cpu)) {
            if (candidate.applicable() && candidate.portable && candidate.name != "conv/generic") return candidate.name;
        }
        return std::string();
    };
    EXPECT_EQ(first(conv2d("wide_picture_few_channels", {1, 3, 64, 64}, 16, 3, 1, 1)), "conv/texel_8x16");
    EXPECT_EQ(first(conv2d("small_picture_many_channels", {1, 256, 7, 7}, 1024, 1, 1, 0)), "conv/texel_columns_8x16");
    EXPECT_EQ(first(conv2d("many_channels", {1, 64, 64, 64}, 64, 3, 1, 1)), "conv/texel_winograd");
    EXPECT_EQ(first(conv2d("stride", {1, 64, 64, 64}, 64, 3, 2, 1)), "conv/texel_8x16");
}

TEST(ConvolutionCandidates, WinogradOnTheHostRefusesWhatItCannotDo) {
    vulkan::DeviceCaps host;
    host.is_cpu = host.host_kernels = true;
    const auto refusal = [&](const Case& c) { return find(build(c).operation.candidates(host), "conv/winograd")->refusal; };
    const Case whole = conv2d("whole", {1, 64, 16, 17}, 64, 3, 1, 1);
    EXPECT_EQ(refusal(whole), "");
    EXPECT_EQ(refusal(with(whole, [](Case& c) { c.dynamic = true; })), "");
    EXPECT_EQ(refusal(conv2d("stride", {1, 64, 32, 32}, 64, 3, 2, 1)), "only for one group, a window of 3 x 3, stride and dilation 1");
    EXPECT_EQ(refusal(with(conv2d("groups", {1, 64, 64, 64}, 64, 3, 1, 1), [](Case& c) { c.groups = 2; })), "only for one group, a window of 3 x 3, stride and dilation 1");
    EXPECT_EQ(refusal(with(conv2d("dilation", {1, 64, 64, 64}, 64, 3, 1, 2), [](Case& c) { c.dilation = {2, 2}; })), "only for one group, a window of 3 x 3, stride and dilation 1");
    EXPECT_EQ(refusal(with(whole, [](Case& c) { c.in_layout = Layout::kLINEAR; })), "only for tensors whose channels are last");
    EXPECT_EQ(refusal(with(whole, [](Case& c) { c.out_layout = Layout::kLINEAR; })), "only for tensors whose channels are last");
    EXPECT_EQ(refusal(conv2d("few", {1, 15, 64, 64}, 64, 3, 1, 1)), "fewer than 16 channels do not pay for the transforms");
    EXPECT_EQ(refusal(conv2d("small", {1, 64, 7, 8}, 64, 3, 1, 1)), "fewer than 2 million products do not pay for the transforms");
    EXPECT_EQ(refusal(conv2d("large", {1, 512, 14, 14}, 512, 3, 1, 1)), "the transformed weights of 512 by 512 channels would take more than 16 MB");
    const Case volume{.name = "volume", .x = {1, 64, 4, 16, 16}, .out = 64, .kernel = {1, 3, 3}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .pre = {1, 1, 1}, .post = {0, 1, 1}};
    EXPECT_EQ(refusal(volume), "only for volumes that are not padded in depth");
}

TEST(ConvolutionCandidates, WinogradRefusesWhatItCannotDo) {
    vulkan::DeviceCaps cpu;
    cpu.is_cpu = true;
    const auto refusal = [&](const Case& c) { return find(build(c).operation.candidates(cpu), "conv/texel_winograd")->refusal; };
    const Case whole = conv2d("whole", {1, 64, 16, 16}, 64, 3, 1, 1);
    cpu.limits.max_storage_range = 36 * 16 * 64 * 4;
    EXPECT_EQ(refusal(whole), "");
    cpu.limits.max_storage_range -= 1;
    EXPECT_EQ(refusal(whole), "the transformed tiles take 147456 bytes, this device binds 147455");
    EXPECT_EQ(refusal(with(whole, [](Case& c) { c.dynamic = true; })), "the number of tiles is dynamic");
    EXPECT_EQ(refusal(conv2d("stride", {1, 64, 16, 16}, 64, 3, 2, 1)), "only for one group, a window of 3 x 3, stride and dilation 1");
    EXPECT_EQ(refusal(conv2d("odd", {1, 63, 16, 16}, 64, 3, 1, 1)), "the input's channels do not lie together in fours");
    cpu.is_cpu = false;
    EXPECT_EQ(refusal(whole), "texels as factors are for CPU drivers");
}

} // namespace
} // namespace tensorvk::test
