#include "kernels/used_cases.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "kernels/embedded.hpp"
#include "kernels/pointwise_program.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels {
namespace {

constexpr std::uint32_t kOpSwitch = 251;

std::vector<std::vector<std::uint32_t>> instructions(std::span<const std::uint32_t> spirv) {
    std::vector<std::vector<std::uint32_t>> out;
    for (std::size_t i = 5; i < spirv.size(); i += spirv[i] >> 16) out.emplace_back(spirv.begin() + static_cast<std::ptrdiff_t>(i), spirv.begin() + static_cast<std::ptrdiff_t>(i + (spirv[i] >> 16)));
    return out;
}

//! Numbers of the cases of every switch, in the module's order.
std::vector<std::vector<std::uint32_t>> cases(std::span<const std::uint32_t> spirv) {
    std::vector<std::vector<std::uint32_t>> out;
    for (const std::vector<std::uint32_t>& instruction : instructions(spirv)) {
        if ((instruction[0] & 0xFFFFU) != kOpSwitch) continue;
        out.emplace_back();
        for (std::size_t i = 3; i < instruction.size(); i += 2) out.back().push_back(instruction[i]);
    }
    return out;
}

std::span<const std::uint32_t> code(std::string_view id) {
    const EmbeddedKernel* kernel = find_embedded(id);
    if (kernel == nullptr) throw InternalError(text("No kernel ", id, " in this build."));
    return embedded_spirv(*kernel);
}

std::vector<plan::SpecConstant> sum_of_roots() {
    const PointwiseArg value{}, root{PointwiseArg::Kind::kVALUE, 1};
    return encode({{{.op = PointwiseOp::kSQRT, .a = value}, {.op = PointwiseOp::kADD, .a = root, .b = root}}});
}

TEST(UsedCases, ASwitchOverOperationsKeepsThoseOfTheProgram) {
    for (const char* id : {"pointwise/vec4:f32", "pointwise/generic:i32", "pointwise/generic:i64", "convolution/generic:f32"}) {
        const auto all = cases(code(id));
        const auto kept = cases(keep_used_cases(code(id), sum_of_roots()));
        ASSERT_EQ(kept.size(), all.size()) << id;
        int of_programs = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i].size() < 15) { // of something else, such as an element type
                EXPECT_EQ(kept[i], all[i]) << id;
                continue;
            }
            ++of_programs;
            std::vector<std::uint32_t> expected{1};
            if (std::ranges::count(all[i], 32) > 0) expected.push_back(32); // integers have no roots
            EXPECT_EQ(kept[i], expected) << id;
        }
        EXPECT_GT(of_programs, 0) << id;
    }
}

TEST(UsedCases, WithoutAProgramNoCaseIsLeft) {
    for (const auto& kept : cases(keep_used_cases(code("pointwise/vec4:f32"), {}))) EXPECT_TRUE(kept.empty());
}

TEST(UsedCases, AllElseStays) {
    for (const EmbeddedKernel& kernel : embedded_kernels()) {
        auto before = instructions(embedded_spirv(kernel)), after = instructions(keep_used_cases(embedded_spirv(kernel), sum_of_roots()));
        ASSERT_EQ(before.size(), after.size()) << kernel.id;
        for (std::size_t i = 0; i < before.size(); ++i) {
            if ((before[i][0] & 0xFFFFU) == kOpSwitch) continue;
            EXPECT_EQ(after[i], before[i]) << kernel.id;
        }
    }
}

TEST(UsedCases, AShaderWithoutAProgramStaysAsItIs) {
    const auto all = code("topk/select:f32");
    EXPECT_TRUE(std::ranges::equal(keep_used_cases(all, sum_of_roots()), all));
}

TEST(UsedCases, OtherConstantsAreNoOperations) {
    const std::vector<plan::SpecConstant> others{{plan::kSpecPointwise - 1, 30}, {plan::kSpecPointwise + 1, 31}, {plan::kSpecPointwise + 2 * PointwiseProgram::kMaxSlots, 32}};
    for (const auto& kept : cases(keep_used_cases(code("pointwise/vec4:f32"), others))) EXPECT_TRUE(kept.empty());
}

} // namespace
} // namespace tensorvk::kernels
