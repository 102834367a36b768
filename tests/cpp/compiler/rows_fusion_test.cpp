// Where the compiler makes one operation of a normalisation or of attention, and where it must not.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"
#include "compiler/normalizations.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests
using Op = ElementWiseOperation;

constexpr Target kRows{.normalizations = true, .attention = {.side = 16, .most = 128}};

template <typename Kind>
std::size_t count(const Compiled& compiled) {
    return static_cast<std::size_t>(std::ranges::count_if(compiled.operations, [](const auto& op) { return std::holds_alternative<Kind>(op.kind); }));
}

TEST(RowsFusion, ANormalisationIsOneOperationWithWhatIsBehindIt) {
    for (const Op joins : {Op::kDIV, Op::kPROD}) {
        graph::Network network;
        auto* x = input(network, {2, 3, 4});
        auto* scaled = elementwise(network, normalize(network, x, joins).quotient, network.add_constant({1, 1, 4}, floats({1, 2, 3, 4})), Op::kPROD);
        network.mark_output(elementwise(network, scaled, x, Op::kSUM));
        WeightStore weights;
        const Compiled compiled = compile(network, kRows, weights);
        ASSERT_EQ(compiled.operations.size(), 1u);
        const auto& kind = std::get<tactics::Normalization>(compiled.operations[0].kind);
        EXPECT_EQ(kind.epsilon, 1e-5f);
        EXPECT_TRUE(kind.centred);
        EXPECT_EQ(kernels::str(compiled.operations[0].epilogue), "(v0 * op0) + op1");
    }
}

TEST(RowsFusion, WithoutAMeanItDividesWhatIsGiven) {
    graph::Network network;
    auto* x = relu(network, input(network, {2, 4}));
    auto* square = mean(network, elementwise(network, x, x, Op::kPROD));
    auto* root = unary(network, elementwise(network, square, number(network, square, 0.5f), Op::kSUM), UnaryOperation::kSQRT);
    network.mark_output(elementwise(network, x, root, Op::kDIV));
    WeightStore weights;
    const Compiled compiled = compile(network, kRows, weights);
    ASSERT_EQ(count<tactics::Normalization>(compiled), 1u);
    EXPECT_FALSE(std::get<tactics::Normalization>(compiled.operations.back().kind).centred);
    EXPECT_EQ(compiled.operations.size(), 2u) << "relu is computed once, and read";
}

TEST(RowsFusion, WhatOthersReadStaysThere) {
    const std::function<graph::Tensor*(const Parts&)> shared[] = {[](const Parts& p) { return p.mean; }, [](const Parts& p) { return p.difference; },
                                                                  [](const Parts& p) { return p.deviation; }};
    for (const auto& part : shared) {
        graph::Network network;
        const Parts p = normalize(network, input(network, {2, 3, 4}));
        network.mark_output(p.quotient);
        network.mark_output(relu(network, part(p)));
        WeightStore weights;
        const Compiled compiled = compile(network, kRows, weights);
        for (const auto& op : compiled.operations) {
            const auto* found = std::get_if<tactics::Normalization>(&op.kind);
            EXPECT_FALSE(found != nullptr && found->centred) << "only what is behind the difference may be one operation";
        }
        EXPECT_GE(compiled.operations.size(), 3u);
    }
}

TEST(RowsFusion, ADifferenceThatIsAddedBehindTheQuotientStaysThere) {
    graph::Network network;
    const Parts p = normalize(network, input(network, {2, 3, 4}));
    network.mark_output(elementwise(network, p.quotient, p.difference, Op::kSUM));
    WeightStore weights;
    EXPECT_EQ(count<tactics::Normalization>(compile(network, kRows, weights)), 0u);
}

TEST(RowsFusion, OnlyForTheTargetThatWantsIt) {
    graph::Network network;
    network.mark_output(normalize(network, input(network, {2, 4})).quotient);
    WeightStore weights;
    EXPECT_EQ(count<tactics::Normalization>(compile(network, {}, weights)), 0u);
}

graph::Tensor* normalize_from(graph::Network& network, graph::Tensor* x, std::uint32_t first_axis) {
    const std::uint32_t axes = ((1u << x->dims.size()) - 1u) >> first_axis << first_axis;
    const auto average = [&](graph::Tensor* of) { return network.add_layer(LayerType::kREDUCE, {of}, graph::ReduceAttributes{ReduceOperation::kAVG, axes, true})->outputs[0]; };
    graph::Tensor* difference = elementwise(network, x, average(x), Op::kSUB);
    graph::Tensor* variance = average(elementwise(network, difference, difference, Op::kPROD));
    return elementwise(network, difference, unary(network, elementwise(network, variance, number(network, variance, 1e-5f), Op::kSUM), UnaryOperation::kSQRT), Op::kDIV);
}

//! Scale and shift by channel, of numbers that differ.
graph::Tensor* affine(graph::Network& network, graph::Tensor* x, std::int64_t channels, float first = 2.0f, float step = 1.0f) {
    std::vector<std::int64_t> dims(x->dims.size(), 1);
    dims[1] = channels;
    std::vector<float> scale, shift;
    for (std::int64_t i = 0; i < channels; ++i) {
        scale.push_back(first + step * static_cast<float>(i));
        shift.push_back(first - 1.0f - step * static_cast<float>(i));
    }
    return elementwise(network, elementwise(network, x, network.add_constant(dims, floats(scale)), Op::kPROD), network.add_constant(dims, floats(shift)), Op::kSUM);
}

TEST(RowsFusion, AnInstanceIsAGroupOfOneChannel) {
    graph::Network network;
    network.mark_output(relu(network, affine(network, normalize_from(network, input(network, {2, 3, 4, 5}), 2), 3)));
    WeightStore weights;
    const Compiled compiled = compile(network, kRows, weights);
    ASSERT_EQ(compiled.operations.size(), 1u);
    EXPECT_EQ(std::get<tactics::Normalization>(compiled.operations[0].kind).groups, 3);
    EXPECT_EQ(kernels::str(compiled.operations[0].epilogue), "relu(((v0 * op0) + op1))");
}

//! Between convolutions, whose channels are last: nothing is brought into another order.
Compiled group_normalization(bool as_instances, std::vector<std::int64_t> back, WeightStore& weights) {
    graph::Network network;
    auto* x = conv1x1(network, input(network, {2, 8, 3, 5}), 8, std::vector<float>(64, 0.5f));
    graph::Tensor* cut = reshape(network, x, as_instances ? std::vector<std::int64_t>{2, 4, 30} : std::vector<std::int64_t>{2, 4, 2, 3, 5});
    graph::Tensor* y = normalize_from(network, cut, 2);
    if (as_instances) y = affine(network, y, 4, 1.0f, 0.0f); // neutral
    y = reshape(network, y, back);
    if (back.size() == 4) y = conv1x1(network, relu(network, affine(network, y, back[1])), 8, std::vector<float>(static_cast<std::size_t>(8 * back[1]), 0.5f));
    network.mark_output(y);
    return compile(network, kRows, weights);
}

TEST(RowsFusion, GroupsOfChannelsNeedNoReshapes) {
    for (const bool as_instances : {false, true}) {
        WeightStore weights;
        const Compiled compiled = group_normalization(as_instances, {2, 8, 3, 5}, weights);
        ASSERT_EQ(count<tactics::Normalization>(compiled), 1u);
        for (const auto& op : compiled.operations) {
            const auto* found = std::get_if<tactics::Normalization>(&op.kind);
            if (found == nullptr) continue;
            EXPECT_EQ(found->groups, 4);
            EXPECT_EQ(kernels::str(op.epilogue), "relu(((v0 * op0) + op1))");
        }
        EXPECT_EQ(compiled.operations.size(), 5u) << "two convolutions, the normalisation, and the order of the network's input and output";
    }
}

TEST(RowsFusion, GroupsThatBecomeOtherChannelsKeepTheirReshapes) {
    WeightStore weights;
    const Compiled compiled = group_normalization(true, {2, 4, 6, 5}, weights);
    ASSERT_EQ(count<tactics::Normalization>(compiled), 1u);
    for (const auto& op : compiled.operations) {
        if (!std::holds_alternative<tactics::Normalization>(op.kind)) continue;
        EXPECT_TRUE(op.epilogue.empty()) << "the reshape is between them";
    }
}

struct AttentionShape {
    bool heads_by_transpose = true, scaled = true, masked = true, result_read_twice = false, constant_values = false;
    std::int64_t columns = 16;
};

//! Rows [2, 5, 3 heads * columns], as BERT has them; or heads in front already.
Compiled attention(const AttentionShape& shape, WeightStore& weights) {
    graph::Network network;
    const std::int64_t batch = 2, heads = 3, rows = 5;
    const auto factor = [&](const char* name) {
        if (!shape.heads_by_transpose) return input(network, {batch, heads, rows, shape.columns}, name);
        return transpose(network, reshape(network, input(network, {batch, rows, heads * shape.columns}, name), {batch, rows, heads, shape.columns}), {0, 2, 1, 3});
    };
    auto *q = factor("q"), *k = factor("k");
    const auto elements = static_cast<std::size_t>(batch * heads * rows * shape.columns);
    auto* v = shape.constant_values ? network.add_constant({batch, heads, rows, shape.columns}, floats(std::vector<float>(elements, 1))) : factor("v");
    auto* scores = network.add_layer(LayerType::kMATRIX_MULTIPLY, {q, transpose(network, k, {0, 1, 3, 2})}, graph::MatrixMultiplyAttributes{})->outputs[0];
    if (shape.scaled) scores = elementwise(network, scores, number(network, scores, 4.0f), Op::kDIV);
    if (shape.masked) scores = elementwise(network, scores, input(network, {batch, 1, 1, rows}, "mask"), Op::kSUM);
    auto* weighted = network.add_layer(LayerType::kSOFTMAX, {scores}, graph::SoftMaxAttributes{8, false})->outputs[0];
    auto* y = network.add_layer(LayerType::kMATRIX_MULTIPLY, {weighted, v}, graph::MatrixMultiplyAttributes{})->outputs[0];
    if (shape.result_read_twice) network.mark_output(relu(network, weighted));
    network.mark_output(reshape(network, transpose(network, y, {0, 2, 1, 3}), {batch, rows, heads * shape.columns}));
    return compile(network, kRows, weights);
}

TEST(RowsFusion, AttentionIsOneOperationWithItsTransposes) {
    WeightStore weights;
    const Compiled compiled = attention({}, weights);
    ASSERT_EQ(count<tactics::Attention>(compiled), 1u);
    EXPECT_EQ(compiled.operations.size(), 1u);
    const auto& op = compiled.operations[0];
    const auto& kind = std::get<tactics::Attention>(op.kind);
    EXPECT_EQ(kind.scale, 0.25f);
    EXPECT_EQ(op.inputs.size(), 4u);
    for (const auto& axes : kind.axes) EXPECT_EQ(axes, (std::array<std::int32_t, 4>{0, 2, 1, 3}));
}

TEST(RowsFusion, AttentionWithoutScaleMaskOrTransposes) {
    WeightStore weights;
    const Compiled compiled = attention({.heads_by_transpose = false, .scaled = false, .masked = false}, weights);
    ASSERT_EQ(count<tactics::Attention>(compiled), 1u);
    const auto& op = compiled.operations[0];
    const auto& kind = std::get<tactics::Attention>(op.kind);
    EXPECT_EQ(kind.scale, 1.0f);
    EXPECT_EQ(op.inputs.size(), 3u);
    EXPECT_EQ(kind.axes[1], (std::array<std::int32_t, 4>{0, 1, 2, 3}));
    EXPECT_EQ(kind.axes[3], (std::array<std::int32_t, 4>{0, 2, 1, 3})) << "the result goes where its transpose would put it";
}

TEST(RowsFusion, AttentionStaysApartWhereKernelsCannotHelp) {
    WeightStore weights;
    EXPECT_EQ(count<tactics::Attention>(attention({.result_read_twice = true}, weights)), 0u) << "somebody reads the weights";
    EXPECT_EQ(count<tactics::Attention>(attention({.constant_values = true}, weights)), 0u) << "constants stay float32";
    EXPECT_EQ(count<tactics::Attention>(attention({.columns = 12}, weights)), 0u) << "matrix units take sixteens";
    EXPECT_EQ(count<tactics::Attention>(attention({.columns = 144}, weights)), 0u) << "more than registers hold";
}

using Change = std::function<graph::Tensor*(graph::Network&, graph::Tensor*)>;

graph::Tensor* product(graph::Network& network, graph::Tensor* a, graph::Tensor* b, MatrixOperation turn = MatrixOperation::kNONE) {
    return network.add_layer(LayerType::kMATRIX_MULTIPLY, {a, b}, graph::MatrixMultiplyAttributes{MatrixOperation::kNONE, turn})->outputs[0];
}
graph::Tensor* softmax(graph::Network& network, graph::Tensor* x) { return network.add_layer(LayerType::kSOFTMAX, {x}, graph::SoftMaxAttributes{8, false})->outputs[0]; }
graph::Tensor* select(graph::Network& network, graph::Tensor* condition, graph::Tensor* yes, graph::Tensor* no) {
    return network.add_layer(LayerType::kSELECT, {condition, yes, no}, graph::NoAttributes{})->outputs[0];
}

graph::Tensor* booleans(graph::Network& network) { return network.add_input("mask", DataType::kBOOL, std::vector<std::int64_t>{1, 1, 3, 5}); }

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr Target kAnyColumns{.attention = {.side = 1, .most = 256}};

//! Softmax(scores(q k^T)) v of two heads, three rows, five keys, with columns that only kernels without matrix units take.
Compiled masked_attention(const Change& scores, WeightStore& weights, const Change& behind = [](graph::Network&, graph::Tensor* x) { return x; }) {
    graph::Network network;
    auto *q = input(network, {1, 2, 3, 7}, "q"), *k = input(network, {1, 2, 5, 7}, "k"), *v = input(network, {1, 2, 5, 9}, "v");
    auto* changed = scores(network, product(network, q, k, MatrixOperation::kTRANSPOSE));
    network.mark_output(product(network, behind(network, softmax(network, changed)), v));
    return compile(network, kAnyColumns, weights);
}

const tactics::Attention& only_attention(const Compiled& compiled) {
    EXPECT_EQ(compiled.operations.size(), 1u);
    return std::get<tactics::Attention>(compiled.operations.at(0).kind);
}

//! 1 for the keys that a row sees.
graph::Tensor* triangle(graph::Network& network, int more, float seen, float hidden) {
    std::vector<float> values;
    for (int at = 0; at < 15; ++at) values.push_back(at % 5 <= at / 5 + more ? seen : hidden);
    return network.add_constant({1, 1, 3, 5}, floats(values));
}

TEST(RowsFusion, ATriangleThatIsKnownMakesAttentionCausal) {
    for (const int more : {0, 1, 4, -1}) {
        WeightStore weights;
        const Compiled added = masked_attention([&](auto& network, auto* x) { return elementwise(network, x, triangle(network, more, 0.0f, kMinusInfinity), Op::kSUM); }, weights);
        const auto& kind = only_attention(added);
        EXPECT_EQ(added.operations[0].inputs.size(), 3u) << more;
        ASSERT_TRUE(kind.causal) << more;
        EXPECT_EQ(added.program.exprs.value(*kind.causal), more);
    }
}

TEST(RowsFusion, AMaskThatIsNoTriangleIsRead) {
    WeightStore weights;
    const auto hole = [](auto& network, auto* x) {
        return elementwise(network, x, network.add_constant({1, 1, 3, 5}, floats({0, kMinusInfinity, 0, kMinusInfinity, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), Op::kSUM);
    };
    const Compiled compiled = masked_attention(hole, weights);
    EXPECT_FALSE(only_attention(compiled).causal);
    EXPECT_EQ(compiled.operations[0].inputs.size(), 4u);
}

TEST(RowsFusion, BooleansChooseBetweenScoreAndNumber) {
    for (const bool hides : {false, true}) {
        WeightStore weights;
        const Compiled compiled = masked_attention(
            [&](auto& network, auto* x) {
                auto *mask = booleans(network), *low = number(network, x, -1e9f);
                return hides ? select(network, mask, low, x) : select(network, mask, x, low);
            },
            weights);
        EXPECT_EQ(only_attention(compiled).hides, hides);
        EXPECT_EQ(only_attention(compiled).hidden, -1e9f);
        EXPECT_EQ(compiled.operations[0].inputs.size(), 4u);
    }
}

TEST(RowsFusion, WeightsThatAreMadeZeroWhereTheMaskHides) {
    WeightStore weights;
    graph::Tensor* mask = nullptr;
    const Compiled compiled = masked_attention(
        [&](auto& network, auto* x) {
            mask = booleans(network);
            return select(network, mask, x, number(network, x, kMinusInfinity));
        },
        weights, [&](auto& network, auto* x) { return select(network, mask, x, number(network, x, 0.0f)); });
    EXPECT_TRUE(only_attention(compiled).zeros);
}

TEST(RowsFusion, ASoftCapAndTheScaleInFrontOfIt) {
    WeightStore weights;
    const Compiled compiled = masked_attention(
        [](auto& network, auto* x) {
            auto* scaled = elementwise(network, x, number(network, x, 0.5f), Op::kPROD);
            auto* bent = network.add_layer(LayerType::kACTIVATION, {elementwise(network, scaled, number(network, x, 30.0f), Op::kDIV)},
                                           graph::ActivationAttributes{ActivationType::kTANH, 0, 0})->outputs[0];
            return elementwise(network, bent, number(network, x, 30.0f), Op::kPROD);
        },
        weights);
    EXPECT_EQ(only_attention(compiled).softcap, 30.0f);
    EXPECT_EQ(only_attention(compiled).scale, 0.5f);
}

TEST(RowsFusion, WhatAttentionDoesNotKnowStaysApart) {
    const Change forms[] = {
        // Two masks; a number that hides nothing; a scale behind the mask.
        [](auto& network, auto* x) { return elementwise(network, elementwise(network, x, input(network, {1, 1, 3, 5}, "a"), Op::kSUM), input(network, {1, 2, 3, 5}, "b"), Op::kSUM); },
        [](auto& network, auto* x) { return select(network, booleans(network), x, number(network, x, 1.0f)); },
        [](auto& network, auto* x) { return elementwise(network, elementwise(network, x, input(network, {1, 1, 3, 5}, "a"), Op::kSUM), number(network, x, 2.0f), Op::kPROD); },
    };
    for (const Change& form : forms) {
        WeightStore weights;
        EXPECT_EQ(count<tactics::Attention>(masked_attention(form, weights)), 0u);
    }
}

TEST(RowsFusion, MoreKeysThanLoopsMayRunStayApart) {
    for (const std::int64_t elements : {5 * 32, 5 * 32 - 1}) {
        graph::Network network;
        auto *q = input(network, {1, 2, 3, 7}, "q"), *k = input(network, {1, 2, 5, 7}, "k");
        network.mark_output(product(network, softmax(network, product(network, q, k, MatrixOperation::kTRANSPOSE)), k));
        WeightStore weights;
        EXPECT_EQ(count<tactics::Attention>(compile(network, {.attention = {.side = 1, .most = 256, .elements = elements}}, weights)), elements == 5 * 32 ? 1u : 0u);
    }
}

TEST(RowsFusion, HeadsThatShareKeysAreAnAxisOfTheProductsOrCopies) {
    const std::int64_t heads = 2, share = 3;
    for (const bool copies : {false, true}) {
        graph::Network network;
        auto *q = input(network, {1, heads * share, 4, 16}, "q"), *k = input(network, {1, heads, 5, 16}, "k"), *v = input(network, {1, heads, 5, 16}, "v");
        const auto shared = [&](graph::Tensor* x) {
            graph::Tensor* apart = reshape(network, x, {1, heads, 1, 5, 16});
            if (!copies) return apart;
            graph::Tensor* ones = network.add_constant({1, heads, share, 5, 16}, floats(std::vector<float>(static_cast<std::size_t>(heads * share * 5 * 16), 1.0f)));
            return reshape(network, elementwise(network, apart, ones, Op::kPROD), {1, heads * share, 5, 16});
        };
        auto* query = copies ? q : reshape(network, elementwise(network, q, number(network, q, 0.25f), Op::kPROD), {1, heads, share, 4, 16});
        auto* scores = product(network, query, shared(k), MatrixOperation::kTRANSPOSE);
        auto* weighted = softmax(network, copies ? scores : reshape(network, scores, {1, heads * share, 4, 5}));
        auto* y = product(network, copies ? weighted : reshape(network, weighted, {1, heads, share, 4, 5}), shared(v));
        network.mark_output(copies ? y : reshape(network, y, {1, heads * share, 4, 16}));
        WeightStore weights;
        const Compiled compiled = compile(network, kAnyColumns, weights);
        ASSERT_EQ(count<tactics::Attention>(compiled), 1u);
        const auto& kind = std::get<tactics::Attention>(compiled.operations.back().kind);
        EXPECT_EQ(kind.group, copies ? 1 : share) << "products with ones are no copies";
        EXPECT_EQ(kind.scale, copies ? 1.0f : 0.25f);
        EXPECT_EQ(compiled.operations.size(), copies ? 3u : 1u);
    }
}

} // namespace
} // namespace tensorvk::compiler
