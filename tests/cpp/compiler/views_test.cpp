// Which ranges of values stay in them.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

constexpr Target kShaders{.placements = true, .views = {.alignment = 16, .gaps = true}};
constexpr Target kHost{.views = {.alignment = 16}};

Compiled build(const graph::Network& network, const Target& target = kShaders) {
    WeightStore weights;
    return compile(network, target, weights);
}

//! Copies of ranges; not what brings the network's edges into another order.
int copies(const Compiled& compiled) {
    return static_cast<int>(std::ranges::count_if(compiled.operations, [](const auto& op) {
        const auto* copy = std::get_if<tactics::Copy>(&op.kind);
        return copy != nullptr && copy->destination_axis < 0 && !op.name.starts_with("reformat");
    }));
}

//! Of the value that operation `op` reads first.
const plan::Buffer& buffer_of(const Compiled& compiled, const tactics::Operation& op, std::size_t input = 0) {
    return compiled.program.buffers[static_cast<std::size_t>(compiled.values[static_cast<std::size_t>(op.inputs[input])].buffer)];
}

//! What `read` makes of channels `first` to `first + count` of 64 that a convolution computes.
template <typename Read>
Compiled range_of_channels(std::int64_t first, std::int64_t count, const Read& read, const Target& target = kShaders) {
    graph::Network network;
    auto* x = relu(network, conv1x1(network, input(network, {1, 8, 5, 7}), 64, std::vector<float>(512, 1)));
    read(network, slice(network, x, {0, first, 0, 0}, {1, count, 5, 7}));
    return build(network, target);
}

void read_by_convolution(graph::Network& network, graph::Tensor* part) {
    network.mark_output(conv1x1(network, part, 8, std::vector<float>(8 * 32, 1)));
}

TEST(Views, AConvolutionReadsARangeOfChannelsWhereItIs) {
    const Compiled compiled = range_of_channels(32, 32, read_by_convolution);
    EXPECT_EQ(copies(compiled), 0);
    const auto reader = std::ranges::find_if(compiled.operations, [&](const auto& op) { return buffer_of(compiled, op).kind == plan::BufferKind::kVIEW; });
    ASSERT_NE(reader, compiled.operations.end());
    const plan::Buffer& view = buffer_of(compiled, *reader);
    EXPECT_EQ(compiled.program.exprs.value(view.offset), 32 * 4);
    EXPECT_EQ(compiled.program.exprs.value(view.bytes), (5 * 7 * 64 - 32) * 4) << "all that lies behind";
    const auto& strides = compiled.values[static_cast<std::size_t>(reader->inputs[0])].strides;
    ASSERT_EQ(strides.size(), 4u);
    EXPECT_EQ(compiled.program.exprs.value(strides[3]), 64) << "from pixel to pixel";
}

TEST(Views, RangesThatBeginBetweenVectorsAreCopied) {
    EXPECT_EQ(copies(range_of_channels(30, 32, read_by_convolution)), 1);
    EXPECT_EQ(copies(range_of_channels(28, 32, read_by_convolution)), 0);
}

//! The first of 17 rows, as a network takes the token that stands for all.
Compiled gathered(std::int32_t index, std::int64_t columns = 16) {
    graph::Network network;
    auto* x = relu(network, input(network, {2, 17, columns}));
    auto place = std::make_shared<std::int32_t>(index);
    const graph::Weights weights{DataType::kINT32, reinterpret_cast<const std::byte*>(place.get()), 1, place};
    auto* row = network.add_layer(LayerType::kGATHER, {x, network.add_constant({}, weights)}, graph::GatherAttributes{.axis = 1})->outputs[0];
    network.mark_output(relu(network, row));
    return build(network);
}

TEST(Views, AGatherOfOnePlaceIsARange) {
    EXPECT_EQ(copies(gathered(0)), 0);
    EXPECT_EQ(copies(gathered(-1)), 0) << "from the end";
    EXPECT_EQ(copies(gathered(1, 15)), 1) << "not where vectors begin";
    for (const tactics::Operation& op : gathered(0).operations) EXPECT_FALSE(std::holds_alternative<tactics::Gather>(op.kind));
}

TEST(Views, TheHostsConvolutionsReadNoGaps) { EXPECT_EQ(copies(range_of_channels(32, 32, read_by_convolution, kHost)), 1); }

TEST(Views, NothingStaysWhereThereIsNoAlignment) { EXPECT_EQ(copies(range_of_channels(32, 32, read_by_convolution, {})), 1); }

TEST(Views, OneReaderThatCannotStepOverGapsMakesItACopyForAll) {
    const Compiled compiled = range_of_channels(0, 32, [](graph::Network& network, graph::Tensor* part) {
        read_by_convolution(network, part);
        graph::ResizeAttributes twice;
        twice.scales = {1, 1, 2, 2};
        network.mark_output(network.add_layer(LayerType::kRESIZE, {part}, twice)->outputs[0]);
    });
    EXPECT_EQ(copies(compiled), 1);
}

TEST(Views, PoolingStepsFromPixelToPixel) {
    const auto pool = [](graph::Network& network, graph::Tensor* part) {
        network.mark_output(conv1x1(network, pooled(network, part), 8, std::vector<float>(8 * 32, 1)));
    };
    EXPECT_EQ(copies(range_of_channels(32, 32, pool)), 0);
    EXPECT_EQ(copies(range_of_channels(32, 32, pool, kHost)), 1);
}

TEST(Views, WhatTheUserGetsIsACopy) {
    const Compiled compiled = range_of_channels(0, 32, [](graph::Network& network, graph::Tensor* part) {
        read_by_convolution(network, part);
        network.mark_output(part);
    });
    EXPECT_EQ(copies(compiled), 1);
}

TEST(Views, EverySecondChannelIsACopy) {
    graph::Network network;
    auto* x = conv1x1(network, input(network, {1, 8, 5, 7}), 64, std::vector<float>(512, 1));
    read_by_convolution(network, slice(network, x, {0, 0, 0, 0}, {1, 32, 5, 7}, {1, 2, 1, 1}));
    EXPECT_EQ(copies(build(network)), 1);
}

TEST(Views, ARangeWithoutGapsIsAnOffsetForAnyReader) {
    graph::Network network;
    auto* x = sigmoid(network, input(network, {6, 4, 4}));
    auto* part = slice(network, x, {2, 0, 0}, {3, 4, 4});
    graph::TopKAttributes top;
    top.k = 2;
    top.axes = 4;
    network.mark_output(network.add_layer(LayerType::kTOPK, {part}, top)->outputs[0]);
    for (const Target& target : {kShaders, kHost}) {
        const Compiled compiled = build(network, target);
        EXPECT_EQ(copies(compiled), 0);
        const plan::Buffer& view = buffer_of(compiled, compiled.operations.back());
        ASSERT_EQ(view.kind, plan::BufferKind::kVIEW);
        EXPECT_EQ(compiled.program.exprs.value(view.offset), 2 * 16 * 4);
    }
}

TEST(Views, ARangeOfARangeLiesInTheWhole) {
    graph::Network network;
    auto* x = sigmoid(network, input(network, {8, 16}));
    auto* part = slice(network, x, {2, 0}, {5, 16});
    auto* inner = reshape(network, slice(network, part, {1, 0}, {3, 16}), {6, 8});
    network.mark_output(relu(network, elementwise(network, inner, input(network, {6, 1}, "y"), ElementWiseOperation::kSUM)));
    network.mark_output(relu(network, elementwise(network, part, input(network, {1, 16}, "z"), ElementWiseOperation::kSUM)));
    const Compiled compiled = build(network);
    EXPECT_EQ(copies(compiled), 0);
    std::vector<std::int64_t> offsets;
    for (const plan::Buffer& buffer : compiled.program.buffers) {
        if (buffer.kind != plan::BufferKind::kVIEW) continue;
        offsets.push_back(*compiled.program.exprs.value(buffer.offset));
        EXPECT_NE(compiled.program.buffers[static_cast<std::size_t>(buffer.whole)].kind, plan::BufferKind::kVIEW);
    }
    std::ranges::sort(offsets);
    EXPECT_EQ(offsets, (std::vector<std::int64_t>{2 * 16 * 4, 3 * 16 * 4}));
}

TEST(Views, AReshapeThatTheUserGetsIsACopy) {
    graph::Network network;
    auto* x = sigmoid(network, input(network, {8, 16}));
    network.mark_output(reshape(network, slice(network, x, {2, 0}, {4, 16}), {64}));
    const Compiled compiled = build(network);
    const auto& output = compiled.program.io.back();
    EXPECT_EQ(compiled.program.buffers[static_cast<std::size_t>(output.buffer)].kind, plan::BufferKind::kOUTPUT);
    EXPECT_EQ(compiled.operations.size(), 2u);
}

//! Columns of a matrix of dynamic rows, cut into heads and joined again.
TEST(Views, ColumnsKeepTheirGapsThroughReshapesThatCutThem) {
    graph::Network network;
    auto* x = sigmoid(network, input(network, {2, -1, 48}));
    auto* part = slice(network, x, {0, 0, 16}, {2, 5, 16});
    auto* heads = reshape(network, part, {2, 5, 2, 8});
    network.mark_output(transpose(network, heads, {0, 2, 1, 3}));
    const Compiled compiled = build(network);
    ASSERT_EQ(copies(compiled), 1) << "the transpose reads them";
    const auto& strides = compiled.values[static_cast<std::size_t>(compiled.operations.back().inputs[0])].strides;
    ASSERT_EQ(strides.size(), 4u);
    EXPECT_EQ(compiled.program.exprs.value(strides[3]), 1);
    EXPECT_EQ(compiled.program.exprs.value(strides[2]), 8);
    EXPECT_EQ(compiled.program.exprs.value(strides[1]), 48);
    EXPECT_FALSE(compiled.program.exprs.value(strides[0])) << "as many rows as there are";
}

TEST(Views, AReshapeThatJoinsAcrossGapsMakesACopy) {
    graph::Network network;
    auto* x = sigmoid(network, input(network, {5, 48}));
    auto* flat = reshape(network, slice(network, x, {0, 16}, {5, 16}), {80});
    network.mark_output(relu(network, elementwise(network, flat, input(network, {1}, "y"), ElementWiseOperation::kSUM)));
    EXPECT_EQ(copies(build(network)), 1);
}

TEST(Views, AreSaidInTheReport) {
    const Compiled compiled = range_of_channels(32, 32, read_by_convolution);
    const auto report = std::ranges::find(compiled.passes, "view_slices", &PassReport::name);
    ASSERT_NE(report, compiled.passes.end());
    EXPECT_GT(report->changed, 0u);
    EXPECT_TRUE(std::ranges::any_of(compiled.passes_of, [](const auto& passes) { return std::ranges::find(passes, "view_slices") != passes.end(); }));
}

} // namespace
} // namespace tensorvk::compiler
