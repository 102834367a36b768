// Passes by name: what each is said to have done, and which may be left out.
#include <gtest/gtest.h>

#include <cstdlib>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

class Passes : public ::testing::Test {
protected:
    void SetUp() override { unsetenv("TENSORVK_DISABLE_PASSES"); }
    void TearDown() override { unsetenv("TENSORVK_DISABLE_PASSES"); }

    static Compiled built() {
        graph::Network network;
        network.mark_output(relu(network, scale_channels(network, conv1x1(network, input(network, {1, 2, 5, 5}), 1, {1, 2}), {3}, {4})));
        WeightStore weights;
        return compile(network, {}, weights);
    }
    static const PassReport& report(const Compiled& compiled, std::string_view name) {
        return *std::ranges::find(compiled.passes, name, &PassReport::name);
    }
    //! The sentence of the error; fails the test where there is none.
    static std::string refusal(const char* setting) {
        setenv("TENSORVK_DISABLE_PASSES", setting, 1);
        try {
            (void)built();
        } catch (const InvalidArgument& error) {
            return error.what();
        }
        ADD_FAILURE() << setting << " was accepted";
        return {};
    }
};

TEST_F(Passes, TheReportCountsOperationsFromPassToPass) {
    const Compiled compiled = built();
    ASSERT_EQ(compiled.passes.size(), all_passes().size());
    for (std::size_t i = 0; i < compiled.passes.size(); ++i) {
        EXPECT_EQ(compiled.passes[i].name, all_passes()[i].name);
        EXPECT_EQ(compiled.passes[i].before, i == 0 ? 3u : compiled.passes[i - 1].after);
        EXPECT_LE(compiled.passes[i].changed, compiled.passes[i].after);
        EXPECT_GE(compiled.passes[i].milliseconds, 0.0);
    }
    EXPECT_EQ(compiled.passes.back().after, compiled.operations.size());
    EXPECT_EQ(report(compiled, "fuse_pointwise").before - report(compiled, "fuse_pointwise").after, 1u);
    EXPECT_EQ(report(compiled, "fuse_epilogues").changed, 1u);
    EXPECT_EQ(report(compiled, "order_movement").changed, 0u);
}

TEST_F(Passes, AnOperationNamesThoseThatMadeIt) {
    const Compiled compiled = built();
    ASSERT_EQ(compiled.passes_of.size(), 1u);
    EXPECT_EQ(compiled.passes_of[0], (std::vector<std::string_view>{"fold_affine", "fuse_epilogues"}));
}

TEST_F(Passes, OneThatIsSwitchedOffChangesNothingAndIsReportedSo) {
    setenv("TENSORVK_DISABLE_PASSES", "fold_affine,fuse_epilogues", 1);
    const Compiled compiled = built();
    EXPECT_EQ(compiled.operations.size(), 2u);
    EXPECT_TRUE(compiled.operations[0].epilogue.empty() && !compiled.operations[0].has_bias);
    for (const PassReport& pass : compiled.passes) {
        EXPECT_EQ(pass.off, pass.name == "fold_affine" || pass.name == "fuse_epilogues") << pass.name;
    }
    setenv("TENSORVK_DISABLE_PASSES", "", 1);
    EXPECT_EQ(built().operations.size(), 1u) << "read by each build";
}

TEST_F(Passes, AnotherNameIsRefusedWithTheList) {
    const std::string unknown = refusal("fuse_epilogues,fuse_all");
    EXPECT_NE(unknown.find("names 'fuse_all', which is no pass"), std::string::npos) << unknown;
    EXPECT_NE(unknown.find("share_operations, fuse_epilogues"), std::string::npos) << unknown;
    EXPECT_EQ(unknown.find("assign_types"), std::string::npos) << unknown;
}

TEST_F(Passes, WhatEveryPlanNeedsIsRefused) {
    for (const Pass& pass : all_passes()) {
        if (!pass.required) continue;
        const std::string why = refusal(std::string(pass.name).c_str());
        EXPECT_NE(why.find("without which no plan comes out right"), std::string::npos) << why;
    }
}

} // namespace
} // namespace tensorvk::compiler
