// What becomes one operation, and what must not.
#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

#include "compiler/built.hpp"
#include "compiler/networks.hpp"
#include "compiler/passes/fusion.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

Built build(const graph::Network& network, DataType internal = DataType::kFLOAT) { return build_for(network, {internal}); }

TEST(Fusion, ConvolutionWithActivationIsOneOperation) {
    graph::Network network;
    network.mark_output(relu(network, conv1x1(network, input(network, {1, 2, 5, 5}), 1, {1, 2})));
    const Built built = build(network);
    ASSERT_EQ(built.compiled.operations.size(), 1u);
    EXPECT_EQ(kernels::str(built.compiled.operations[0].epilogue), "relu(v0)");
}

TEST(Fusion, ScaleAndShiftMoveIntoWeightsAndBias) {
    graph::Network network;
    auto* conv = conv1x1(network, input(network, {1, 2, 5, 5}), 2, {1, 2, 3, 4}, {10, 20});
    network.mark_output(relu(network, scale_channels(network, conv, {2, 3}, {0.5f, -1})));
    const Built built = build(network);
    const auto& op = built.compiled.operations.at(0);
    EXPECT_EQ(constant(built, op.inputs[1]), (std::vector<float>{2, 4, 9, 12}));
    EXPECT_EQ(constant(built, op.inputs[2]), (std::vector<float>{20.5f, 59}));
    EXPECT_EQ(kernels::str(op.epilogue), "relu(v0)");
    EXPECT_TRUE(op.operands.empty());
}

TEST(Fusion, ScaleStaysBehindAnActivation) {
    graph::Network network;
    auto* conv = relu(network, conv1x1(network, input(network, {1, 1, 5, 5}), 2, {1, 2}));
    network.mark_output(scale_channels(network, conv, {2, 3}, {0, 0}));
    const Built built = build(network);
    const auto& op = built.compiled.operations.at(0);
    EXPECT_EQ(constant(built, op.inputs[1]), (std::vector<float>{1, 2}));
    EXPECT_EQ(op.operands.size(), 2u); // scale and shift, read per channel
}

TEST(Fusion, OfTwoAddedConvolutionsTheLaterTakesTheOtherAsResidual) {
    graph::Network network;
    auto* x = input(network, {1, 2, 5, 5});
    auto* first = conv1x1(network, x, 2, {1, 0, 0, 1});
    auto* second = conv1x1(network, x, 2, {2, 0, 0, 2});
    network.mark_output(relu(network, elementwise(network, first, second, ElementWiseOperation::kSUM)));
    const Built built = build(network);
    ASSERT_EQ(built.compiled.operations.size(), 3u); // two convolutions and the copy to the user's layout
    const auto& sum = built.compiled.operations[1];
    ASSERT_EQ(sum.operands.size(), 1u);
    EXPECT_EQ(sum.operands[0], built.compiled.operations[0].outputs[0]);
}

TEST(Fusion, OfTwoAddedBranchesTheLongerTakesTheSumAndTheOtherIsComputedBesideIt) {
    graph::Network network;
    auto* x = input(network, {1, 4, 8, 8});
    auto* body = conv1x1(network, relu(network, conv1x1(network, x, 4, std::vector<float>(16, 1))), 4, std::vector<float>(16, 2));
    auto* shortcut = conv1x1(network, x, 4, std::vector<float>(16, 3));
    network.mark_output(relu(network, elementwise(network, body, shortcut, ElementWiseOperation::kSUM)));
    const Built built = build(network);
    const auto& operations = built.compiled.operations;
    ASSERT_EQ(operations.size(), 4u); // three convolutions and the copy to the user's layout
    const auto sum = std::ranges::find_if(operations, [](const auto& op) { return !op.operands.empty(); });
    ASSERT_NE(sum, operations.end());
    const auto writer_of = [&](tactics::ValueId id) { return std::ranges::find_if(operations, [&](const auto& op) { return op.outputs[0] == id; }); };
    const auto before = writer_of(sum->inputs[0]), residual = writer_of(sum->operands[0]);
    ASSERT_TRUE(before != operations.end() && residual != operations.end());
    EXPECT_EQ(before->inputs[0], residual->inputs[0]) << "both read the network's input, so that neither waits for the other";
}

TEST(Fusion, SwishReadsItsConvolutionTwiceAndIsStillOneOperation) {
    graph::Network network;
    auto* conv = conv1x1(network, input(network, {1, 2, 5, 5}), 1, {1, 1});
    network.mark_output(elementwise(network, conv, sigmoid(network, conv), ElementWiseOperation::kPROD));
    const Built built = build(network);
    ASSERT_EQ(built.compiled.operations.size(), 1u);
    EXPECT_EQ(built.compiled.operations[0].epilogue.slots.size(), 2u);
    EXPECT_TRUE(built.compiled.operations[0].operands.empty());
}

TEST(Fusion, ConstantsOfOneElementBecomeImmediates) {
    graph::Network network;
    auto* three = network.add_constant({1, 1}, floats({3}));
    network.mark_output(elementwise(network, input(network, {2, 5}), three, ElementWiseOperation::kSUM));
    const Built built = build(network);
    EXPECT_TRUE(built.compiled.operations.at(0).operands.empty());
    EXPECT_EQ(built.compiled.operations[0].epilogue.slots.at(0).immediate, 3.0f);
}

TEST(Fusion, HardSwishBehindBatchNormIsOneOperation) {
    graph::Network network;
    auto* conv = conv1x1(network, input(network, {1, 2, 5, 5}), 1, {1, 1});
    auto* norm = scale_channels(network, conv, {2}, {1});
    auto* three = network.add_constant({1, 1, 1, 1}, floats({3}));
    auto* gate = network.add_layer(LayerType::kACTIVATION, {elementwise(network, norm, three, ElementWiseOperation::kSUM)},
                                   graph::ActivationAttributes{ActivationType::kCLIP, 0, 6});
    network.mark_output(elementwise(network, norm, gate->outputs[0], ElementWiseOperation::kPROD));
    const Built built = build(network);
    ASSERT_EQ(built.compiled.operations.size(), 1u);
    const auto& op = built.compiled.operations[0];
    EXPECT_TRUE(op.operands.empty());
    EXPECT_EQ(kernels::str(op.epilogue), "v0 * min(max((v0 + 3), 0), 6)");
    EXPECT_EQ(constant(built, op.inputs[1]), (std::vector<float>{2, 2}));
    EXPECT_EQ(constant(built, op.inputs[2]), (std::vector<float>{1})) << "the 3 belongs to the gate alone";
}

TEST(Fusion, LongChainsTakeNoTimeSquaredAndKeepReadableNames) {
    constexpr int kPerOperation = kernels::PointwiseProgram::kMaxSlots;
    constexpr int kChain = 1600 * kPerOperation;
    graph::Network network;
    graph::Tensor* x = input(network, {3});
    for (int i = 0; i < kChain; ++i) {
        x = network
                .add_layer(LayerType::kUNARY, {x}, graph::UnaryAttributes{i % 2 == 0 ? UnaryOperation::kNEG : UnaryOperation::kABS},
                           std::string(100, 'n') + std::to_string(i))
                ->outputs[0];
    }
    network.mark_output(x);
    const auto begin = std::chrono::steady_clock::now();
    const Built built = build(network);
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(took, std::chrono::seconds(20)) << "several minutes when each join looks at the whole network";
    ASSERT_EQ(built.compiled.operations.size(), 1600u);
    const std::string& name = built.compiled.operations[0].name;
    EXPECT_LE(name.size(), kLongestJoinedName);
    EXPECT_TRUE(name.starts_with("nn") && name.find("n0 + ... + nn") != std::string::npos && name.ends_with("n" + std::to_string(kPerOperation - 1))) << name;
}

TEST(Fusion, JoinedNamesAreBounded) {
    EXPECT_EQ(joined_name("a", "b"), "a + b");
    const std::string huge(100'000, 'h');
    EXPECT_LE(joined_name(huge, huge).size(), kLongestJoinedName);
    std::string name = "first";
    for (int i = 0; i < 1000; ++i) {
        name = joined_name(name, "layer_" + std::to_string(i));
    }
    EXPECT_LE(name.size(), kLongestJoinedName);
    EXPECT_TRUE(name.starts_with("first + ") && name.ends_with("layer_999")) << name;
}

TEST(Fusion, AValueThatTheUserSeesIsNotFusedAway) {
    graph::Network network;
    auto* conv = conv1x1(network, input(network, {1, 2, 5, 5}), 1, {1, 1});
    network.mark_output(conv);
    network.mark_output(relu(network, conv));
    EXPECT_EQ(build(network).compiled.operations.size(), 2u);
}

TEST(Fusion, ABroadcastThatGrowsTheShapeEndsTheChain) {
    graph::Network network;
    auto* column = relu(network, input(network, {3, 1}, "column"));
    auto* row = input(network, {1, 4}, "row");
    network.mark_output(elementwise(network, column, row, ElementWiseOperation::kSUM));
    EXPECT_EQ(build(network).compiled.operations.size(), 2u);
}

TEST(Fusion, UnusedBranchesDisappear) {
    graph::Network network;
    auto* x = input(network, {1, 2, 5, 5});
    (void)conv1x1(network, x, 8, std::vector<float>(16, 1));
    network.mark_output(relu(network, x));
    EXPECT_EQ(build(network).compiled.operations.size(), 1u);
}

TEST(Fusion, AnInputThatIsAnOutputIsCopied) {
    graph::Network network;
    auto* x = input(network, {2, 3});
    network.mark_output(network.add_layer(LayerType::kIDENTITY, {x}, graph::NoAttributes{})->outputs[0]);
    const Built built = build(network);
    ASSERT_EQ(built.compiled.operations.size(), 1u);
    EXPECT_NE(built.compiled.program.io[0].buffer, built.compiled.program.io[1].buffer);
}

//! Of two convolutions with a relu each, the first of a picture with `channels`.
Built two_convolutions_of_halves(std::int64_t channels) {
    graph::Network network;
    auto* conv = relu(network, conv1x1(network, input(network, {1, channels, 5, 5}), 8, std::vector<float>(static_cast<std::size_t>(8 * channels), 1)));
    network.mark_output(relu(network, conv1x1(network, conv, 1, std::vector<float>(8, 1))));
    return build(network, DataType::kHALF);
}

TEST(Fusion, HalfPrecisionCastsAtTheEdgesOnly) {
    const Built built = two_convolutions_of_halves(8);
    ASSERT_EQ(built.compiled.operations.size(), 3u) << "the last product writes float32 itself";
    EXPECT_TRUE(built.compiled.operations[0].name.starts_with("cast"));
    EXPECT_EQ(built.compiled.program.io[0].dtype, DataType::kFLOAT);
    EXPECT_EQ(built.compiled.program.io[1].dtype, DataType::kFLOAT);
    EXPECT_EQ(built.compiled.values[static_cast<std::size_t>(built.compiled.operations[2].inputs[0])].dtype, DataType::kHALF);
}

TEST(Fusion, HalfPrecisionReadsAPictureOfFewChannelsAsItIs) { EXPECT_EQ(two_convolutions_of_halves(3).compiled.operations.size(), 2u); }

} // namespace
} // namespace tensorvk::compiler
