// Where values live, and which movements cost nothing.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests
using tactics::Layout;

Compiled build(const graph::Network& network) {
    WeightStore weights;
    return compile(network, {}, weights);
}

TEST(Layouts, ValuesBetweenConvolutionsAreChannelsLast) {
    graph::Network network;
    auto* inner = conv1x1(network, input(network, {1, 3, 8, 8}), 8, std::vector<float>(24, 1));
    network.mark_output(conv1x1(network, inner, 8, std::vector<float>(64, 1)));
    const Compiled compiled = build(network);
    const auto& first = compiled.operations.at(0);
    EXPECT_EQ(compiled.values[static_cast<std::size_t>(first.inputs[0])].layout, Layout::kLINEAR); // read as the user gives it
    EXPECT_EQ(compiled.values[static_cast<std::size_t>(first.outputs[0])].layout, Layout::kCHANNELS_LAST);
    EXPECT_TRUE(compiled.operations.back().name.starts_with("reformat"));
}

TEST(Layouts, OneOutputChannelNeedsNoReformat) {
    graph::Network network;
    network.mark_output(conv1x1(network, input(network, {1, 3, 8, 8}), 1, {1, 1, 1}));
    EXPECT_EQ(build(network).operations.size(), 1u);
}

TEST(Layouts, ManyChannelsFromTheUserAreReformattedOnce) {
    graph::Network network;
    auto* x = input(network, {1, 16, 8, 8});
    auto* a = conv1x1(network, x, 4, std::vector<float>(64, 1));
    auto* b = conv1x1(network, x, 4, std::vector<float>(64, 2));
    network.mark_output(elementwise(network, a, b, ElementWiseOperation::kSUM));
    int reformats = 0;
    for (const auto& op : build(network).operations) {
        reformats += op.name == "reformat x" ? 1 : 0;
    }
    EXPECT_EQ(reformats, 1);
}

TEST(Layouts, AFullSizeResidualFromTheUserIsReadChannelsLast) {
    graph::Network network;
    auto* conv = conv1x1(network, input(network, {1, 3, 8, 8}), 8, std::vector<float>(24, 1));
    auto* sum = elementwise(network, conv, input(network, {1, 8, 8, 8}, "residual"), ElementWiseOperation::kSUM);
    network.mark_output(conv1x1(network, sum, 8, std::vector<float>(64, 1)));
    const Compiled compiled = build(network);
    const auto first = std::find_if(compiled.operations.begin(), compiled.operations.end(), [](const auto& op) { return !op.operands.empty(); });
    ASSERT_NE(first, compiled.operations.end());
    ASSERT_EQ(first->operands.size(), 1u);
    EXPECT_EQ(compiled.values[static_cast<std::size_t>(first->operands[0])].layout, Layout::kCHANNELS_LAST);
    EXPECT_EQ(compiled.values[static_cast<std::size_t>(first->outputs[0])].layout, Layout::kCHANNELS_LAST);
}

//! Where the sum of two inputs lies that a convolution reads.
Layout layout_of_sum(std::int64_t channels, bool pictures_in_rows) {
    graph::Network network;
    auto* sum = elementwise(network, input(network, {1, channels, 8, 8}), input(network, {1, channels, 8, 8}, "other"), ElementWiseOperation::kSUM);
    network.mark_output(conv1x1(network, sum, 8, std::vector<float>(static_cast<std::size_t>(8 * channels), 1)));
    WeightStore weights;
    const Compiled compiled = compile(network, {.pictures_in_rows = pictures_in_rows}, weights);
    return compiled.values[static_cast<std::size_t>(compiled.operations.at(0).outputs[0])].layout;
}

TEST(Layouts, FewChannelsStayInRowsWhereConvolutionsReadThemAsFast) {
    EXPECT_EQ(layout_of_sum(3, true), Layout::kLINEAR);
    EXPECT_EQ(layout_of_sum(3, false), Layout::kCHANNELS_LAST);
    EXPECT_EQ(layout_of_sum(8, true), Layout::kCHANNELS_LAST);
}

TEST(Layouts, TransposeToChannelsLastBehindAConvolutionIsAView) {
    graph::Network network;
    auto* conv = conv1x1(network, input(network, {2, 3, 4, 5}), 6, std::vector<float>(18, 1));
    network.mark_output(reshape(network, transpose(network, conv, {0, 2, 3, 1}), {2, 20, 6}));
    EXPECT_EQ(build(network).operations.size(), 1u); // the convolution writes the output itself
}

TEST(Layouts, ReshapeSharesItsInputsMemory) {
    graph::Network network;
    auto* x = relu(network, input(network, {2, 12}));
    network.mark_output(relu(network, elementwise(network, reshape(network, x, {2, 3, 4}), input(network, {2, 3, 1}, "y"), ElementWiseOperation::kSUM)));
    EXPECT_EQ(build(network).operations.size(), 2u);
}

TEST(Layouts, ReshapeOfAnInputToAnOutputIsACopy) {
    graph::Network network;
    network.mark_output(reshape(network, input(network, {2, 6}), {3, 4}));
    const Compiled compiled = build(network);
    ASSERT_EQ(compiled.operations.size(), 1u);
    EXPECT_NE(compiled.program.io[0].buffer, compiled.program.io[1].buffer);
}

//! Two convolutions that are concatenated, of which the first is read by another one as well.
Compiled build_concatenation(bool placements) {
    graph::Network network;
    auto* x = input(network, {1, 3, 8, 8});
    auto* shared = conv1x1(network, x, 4, std::vector<float>(12, 1));
    auto* other = conv1x1(network, x, 8, std::vector<float>(24, 2));
    auto* joined = concatenation(network, {shared, other}, 1);
    network.mark_output(conv1x1(network, joined, 8, std::vector<float>(96, 1)));
    network.mark_output(conv1x1(network, shared, 8, std::vector<float>(32, 1)));
    WeightStore weights;
    return compile(network, {.placements = placements}, weights);
}

TEST(Placements, WhatOnlyAConcatenationReadsIsWrittenIntoIt) {
    const Compiled compiled = build_concatenation(true);
    int placed = 0, copies = 0;
    for (const auto& op : compiled.operations) {
        const bool copy = std::holds_alternative<tactics::Copy>(op.kind);
        copies += copy && std::get<tactics::Copy>(op.kind).destination_axis >= 0 ? 1 : 0;
        if (!op.placement) continue;
        ++placed;
        EXPECT_EQ(compiled.program.exprs.value(compiled.values[static_cast<std::size_t>(op.placement->part)].dims[1]), 8);
        EXPECT_EQ(compiled.program.exprs.value(op.placement->copy.destination_offset), 4);
    }
    EXPECT_EQ(placed, 1);
    EXPECT_EQ(copies, 1) << "what somebody else reads too keeps its own memory where nobody reads what has gaps";
}

//! A level of a U-Net: what goes down is pooled, convolved and concatenated with what it was. `end`: the skipped part's reader beside the pooling.
template <typename End>
Compiled build_skip(const End& end) {
    graph::Network network;
    auto* skip = relu(network, conv1x1(network, input(network, {1, 3, 8, 8}), 4, std::vector<float>(12, 1)));
    graph::ResizeAttributes twice;
    twice.scales = {1, 1, 2, 2};
    auto* below = conv1x1(network, pooled(network, skip), 8, std::vector<float>(32, 1));
    auto* up = conv1x1(network, network.add_layer(LayerType::kRESIZE, {below}, twice)->outputs[0], 8, std::vector<float>(64, 1));
    network.mark_output(conv1x1(network, concatenation(network, {up, skip}, 1), 8, std::vector<float>(96, 1)));
    end(network, skip);
    WeightStore weights;
    return compile(network, {.placements = true, .views = {.alignment = 16, .gaps = true}}, weights);
}

std::vector<const tactics::Operation*> parts_of_concatenations(const Compiled& compiled) {
    std::vector<const tactics::Operation*> out;
    for (const auto& op : compiled.operations) {
        const auto* copy = std::get_if<tactics::Copy>(&op.kind);
        if (copy != nullptr && copy->destination_axis >= 0) out.push_back(&op);
    }
    return out;
}

TEST(Placements, WhatIsReadBesideAConcatenationIsReadThere) {
    const Compiled compiled = build_skip([](auto&, auto*) {});
    EXPECT_TRUE(parts_of_concatenations(compiled).empty());
    const auto skip = std::ranges::find_if(compiled.operations, [](const auto& op) { return op.placement && op.placement->read_there; });
    ASSERT_NE(skip, compiled.operations.end());
    const tactics::Value& part = compiled.values[static_cast<std::size_t>(skip->placement->part)];
    const plan::Buffer& view = compiled.program.buffers[static_cast<std::size_t>(part.buffer)];
    ASSERT_EQ(view.kind, plan::BufferKind::kVIEW);
    EXPECT_EQ(view.whole, compiled.values[static_cast<std::size_t>(skip->outputs[0])].buffer);
    EXPECT_EQ(compiled.program.exprs.value(view.offset), 8 * 4) << "behind the channels that come from below";
    ASSERT_EQ(part.strides.size(), 4u);
    EXPECT_EQ(compiled.program.exprs.value(part.strides[3]), 12);
}

TEST(Placements, WhatAnotherCannotReadThereIsCopied) {
    const Compiled compiled = build_skip([](graph::Network& network, graph::Tensor* skip) {
        graph::ResizeAttributes larger;
        larger.scales = {1, 1, 3, 3};
        network.mark_output(network.add_layer(LayerType::kRESIZE, {skip}, larger)->outputs[0]);
    });
    EXPECT_EQ(parts_of_concatenations(compiled).size(), 1u);
}

TEST(Placements, AreMadeWhereShadersComputeAlone) {
    for (const auto& op : build_concatenation(false).operations) EXPECT_FALSE(op.placement);
}

} // namespace
} // namespace tensorvk::compiler
