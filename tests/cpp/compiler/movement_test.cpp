// Movement that costs less in another order.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

Compiled build(const graph::Network& network) {
    WeightStore weights;
    return compile(network, {}, weights);
}

bool reformats(const tactics::Operation& op) { return op.name.starts_with("reformat"); }
std::ptrdiff_t reformats(const Compiled& compiled) {
    return std::ranges::count_if(compiled.operations, [](const tactics::Operation& op) { return reformats(op); });
}
std::ptrdiff_t copies(const Compiled& compiled) {
    return std::ranges::count_if(compiled.operations,
                                 [](const tactics::Operation& op) { return std::holds_alternative<tactics::Copy>(op.kind) && !reformats(op); });
}

graph::Tensor* eight_maps(graph::Network& network, graph::Tensor* x, std::size_t channels = 4) {
    return conv1x1(network, x, 8, std::vector<float>(8 * channels, 1));
}

graph::Tensor* shuffle_channels(graph::Network& network, graph::Tensor* x, const std::vector<std::int64_t>& apart, const std::vector<std::int64_t>& whole) {
    return reshape(network, transpose(network, reshape(network, x, apart), {0, 2, 1, 3, 4}), whole);
}

TEST(Movement, FlatteningAndTurningRoundBehindAConvolutionIsAView) {
    graph::Network network;
    auto* conv = eight_maps(network, input(network, {2, 4, 5, 7}));
    network.mark_output(transpose(network, reshape(network, conv, {2, 8, 35}), {0, 2, 1}));
    EXPECT_EQ(build(network).operations.size(), 1u); // the convolution writes the output itself
}

TEST(Movement, AnAxisThatIsCutApartIsTurnedBehindTheReshape) {
    graph::Network network;
    auto* x = relu(network, input(network, {6, 35}));
    network.mark_output(transpose(network, reshape(network, x, {2, 3, 5, 7}), {1, 0, 3, 2}));
    EXPECT_EQ(copies(build(network)), 1);
}

TEST(Movement, AShuffleOfConcatenatedChannelsIsWrittenByItsParts) {
    graph::Network network;
    auto* x = input(network, {1, 4, 5, 7});
    auto* joined = concatenation(network, {eight_maps(network, x), relu(network, eight_maps(network, x))}, 1);
    network.mark_output(eight_maps(network, shuffle_channels(network, joined, {1, 2, 8, 5, 7}, {1, 16, 5, 7}), 16));
    const Compiled compiled = build(network);
    EXPECT_EQ(copies(compiled), 2);
    EXPECT_LE(reformats(compiled), 1); // of the output
}

TEST(Movement, AShuffleOfChannelsThatOthersReadTooLeavesThemAsTheyAre) {
    graph::Network network;
    auto* conv = eight_maps(network, input(network, {1, 4, 5, 7}));
    network.mark_output(elementwise(network, conv, shuffle_channels(network, conv, {1, 2, 4, 5, 7}, {1, 8, 5, 7}), ElementWiseOperation::kSUM));
    EXPECT_EQ(copies(build(network)), 2);
}

TEST(Movement, AShuffleIntoManyGroupsIsOneTranspose) {
    graph::Network network;
    auto* x = relu(network, input(network, {1, 64, 5, 7}));
    network.mark_output(shuffle_channels(network, x, {1, 32, 2, 5, 7}, {1, 64, 5, 7}));
    EXPECT_EQ(copies(build(network)), 1);
}

} // namespace
} // namespace tensorvk::compiler
