// Which products of one input become one.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"
#include "compiler/normalizations.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

constexpr Target kShaders{.placements = true, .views = {.alignment = 16, .gaps = true}};

Compiled build(const graph::Network& network, const Target& target = kShaders) {
    WeightStore weights;
    return compile(network, target, weights);
}

std::size_t products(const Compiled& compiled) {
    return static_cast<std::size_t>(std::ranges::count_if(compiled.operations, [](const auto& op) {
        return std::holds_alternative<tactics::Convolution>(op.kind) || std::holds_alternative<tactics::MatrixProduct>(op.kind);
    }));
}

std::size_t others(const Compiled& compiled) { return compiled.operations.size() - products(compiled); }

//! A product that reads one, so that this one's result is inside.
void read(graph::Network& network, graph::Tensor* x, std::int64_t columns) { network.mark_output(product(network, x, columns, 4, 1)); }

//! Three of them, each read by one of its own.
template <typename Change>
Compiled three(const Change& change, const Target& target = kShaders, std::int64_t rows = 17) {
    graph::Network network;
    auto* x = input(network, {rows, 24});
    for (int i = 0; i < 3; ++i) read(network, change(network, product(network, x, 24, 16, static_cast<float>(i + 1)), i), 16);
    return build(network, target);
}

graph::Tensor* as_it_is(graph::Network&, graph::Tensor* x, int) { return x; }

TEST(Siblings, ProductsOfOneInputBecomeOne) {
    const Compiled compiled = three(as_it_is);
    EXPECT_EQ(products(compiled), 1u + 3u);
    EXPECT_EQ(others(compiled), 0u) << "nothing is copied";
    const auto joint = std::ranges::find_if(compiled.operations, [&](const auto& op) {
        return compiled.program.exprs.value(compiled.values[static_cast<std::size_t>(op.outputs[0])].dims.back()) == 48;
    });
    ASSERT_NE(joint, compiled.operations.end());
    EXPECT_EQ(compiled.program.exprs.value(compiled.values[static_cast<std::size_t>(joint->inputs[1])].dims[1]), 48);
}

TEST(Siblings, WithRowsThatAreDynamicToo) { EXPECT_EQ(products(three(as_it_is, kShaders, -1)), 4u); }

TEST(Siblings, StayApartOnTheHost) {
    EXPECT_EQ(products(three(as_it_is, {.views = {.alignment = 16}})), 6u);
    EXPECT_EQ(products(three(as_it_is, {})), 6u);
}

TEST(Siblings, OfOneProgramAreJoined) {
    const auto activated = [](graph::Network& network, graph::Tensor* x, int) { return relu(network, x); };
    const Compiled compiled = three(activated);
    EXPECT_EQ(products(compiled), 4u);
    EXPECT_EQ(others(compiled), 0u);
}

TEST(Siblings, OfAnotherProgramStayApart) {
    const auto one_differs = [](graph::Network& network, graph::Tensor* x, int i) { return i == 1 ? sigmoid(network, x) : relu(network, x); };
    EXPECT_EQ(products(three(one_differs)), 5u) << "two of three";
}

TEST(Siblings, HaveTheirNumbersPerColumnSideBySide) {
    const auto scaled = [](graph::Network& network, graph::Tensor* x, int i) {
        std::vector<float> scale(16, static_cast<float>(i + 2));
        return relu(network, elementwise(network, x, network.add_constant({1, 16}, floats(std::move(scale))), ElementWiseOperation::kPROD));
    };
    const Compiled compiled = three(scaled);
    ASSERT_EQ(products(compiled), 4u);
    const auto joint = std::ranges::find_if(compiled.operations, [](const auto& op) { return !op.operands.empty(); });
    ASSERT_NE(joint, compiled.operations.end());
    const auto& operand = compiled.values[static_cast<std::size_t>(joint->operands[0])];
    EXPECT_EQ(compiled.program.exprs.value(operand.dims.back()), 48);
}

TEST(Siblings, WithAResidualStayApart) {
    const auto residual = [](graph::Network& network, graph::Tensor* x, int i) {
        return elementwise(network, x, input(network, {17, 16}, i == 0 ? "a" : i == 1 ? "b" : "c"), ElementWiseOperation::kSUM);
    };
    EXPECT_EQ(products(three(residual)), 6u);
}

TEST(Siblings, ThatTheUserGetsStayApart) {
    graph::Network network;
    auto* x = input(network, {17, 24});
    for (int i = 0; i < 3; ++i) {
        auto* y = product(network, x, 24, 16, static_cast<float>(i + 1));
        if (i == 1) network.mark_output(y);
        read(network, y, 16);
    }
    EXPECT_EQ(products(build(network)), 2u + 3u) << "the first and the last are one";
}

TEST(Siblings, OfOtherInputsStayApart) {
    graph::Network network;
    for (const char* name : {"a", "b", "c"}) read(network, product(network, input(network, {17, 24}, name), 24, 16, 1), 16);
    EXPECT_EQ(products(build(network)), 6u);
}

TEST(Siblings, OfOddNumbersOfColumnsStayApart) {
    for (const std::int64_t columns : {3, 17, 33}) {
        graph::Network network;
        auto* x = input(network, {17, 24});
        for (int i = 0; i < 2; ++i) read(network, product(network, x, 24, columns, static_cast<float>(i + 1)), columns);
        EXPECT_EQ(products(build(network)), 4u) << columns;
    }
}

TEST(Siblings, WhoseReadersTakeNoGapsStayApart) {
    const auto top = [](graph::Network& network, graph::Tensor* x, int) {
        graph::TopKAttributes a;
        a.k = 16;
        a.axes = 2;
        return network.add_layer(LayerType::kTOPK, {x}, a)->outputs[0];
    };
    EXPECT_EQ(products(three(top)), 6u);
}

TEST(Siblings, ThatFillALargeDeviceAloneStayApart) {
    EXPECT_EQ(products(three(as_it_is, kShaders, 64 * 300)), 6u);
    EXPECT_EQ(products(three(as_it_is, kShaders, 64 * 200)), 4u);
}

TEST(Siblings, ThatNormaliseTheirRowsDoSoOnce) {
    constexpr Target kMatrixUnits{.internal = DataType::kHALF, .normalizations = true, .normalized_products = true, .placements = true, .views = {.alignment = 16, .gaps = true}};
    graph::Network network;
    auto* x = normalize(network, relu(network, input(network, {256, 64}))).quotient;
    for (int i = 0; i < 3; ++i) read(network, product(network, x, 64, 256, static_cast<float>(i + 1) / 4), 256);
    const Compiled compiled = build(network, kMatrixUnits);
    const auto joint = std::ranges::find_if(compiled.operations, [](const auto& op) {
        const auto* matrix = std::get_if<tactics::MatrixProduct>(&op.kind);
        return matrix != nullptr && matrix->normalized;
    });
    ASSERT_NE(joint, compiled.operations.end());
    ASSERT_EQ(joint->inputs.size(), 4u);
    for (const std::size_t k : {2, 3}) { // the bias and the sums of the weights' columns
        EXPECT_EQ(compiled.program.exprs.value(compiled.values[static_cast<std::size_t>(joint->inputs[k])].dims.back()), 768);
    }
    EXPECT_EQ(products(compiled), 4u);
}

TEST(Siblings, ConvolutionsOfOneInputBecomeOne) {
    graph::Network network;
    auto* x = conv1x1(network, input(network, {1, 3, 5, 7}), 16, std::vector<float>(48, 1));
    for (const std::int64_t maps : {8, 24, 4}) {
        const auto count = static_cast<std::size_t>(maps);
        auto* y = relu(network, conv1x1(network, x, maps, std::vector<float>(16 * count, 1), std::vector<float>(count, 2)));
        network.mark_output(conv1x1(network, y, 8, std::vector<float>(8 * count, 1)));
    }
    const Compiled compiled = build(network);
    EXPECT_EQ(products(compiled), 1u + 1u + 3u);
    EXPECT_TRUE(std::ranges::any_of(compiled.passes_of, [](const auto& passes) { return std::ranges::find(passes, "fuse_siblings") != passes.end(); }));
}

TEST(Siblings, ThatAreWrittenIntoAConcatenationStayApart) {
    graph::Network network;
    auto* x = conv1x1(network, input(network, {1, 3, 5, 7}), 16, std::vector<float>(48, 1));
    auto* a = conv1x1(network, x, 8, std::vector<float>(128, 1));
    auto* b = conv1x1(network, x, 8, std::vector<float>(128, 2));
    network.mark_output(conv1x1(network, concatenation(network, {a, b}, 1), 8, std::vector<float>(128, 1)));
    EXPECT_EQ(products(build(network)), 4u);
}

} // namespace
} // namespace tensorvk::compiler
