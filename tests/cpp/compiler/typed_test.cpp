// Networks that say which of their floats are float16: what the compiler makes one operation there, and what it must not.
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "compiler/built.hpp"
#include "compiler/networks.hpp"
#include "compiler/normalizations.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests
using Op = ElementWiseOperation;

constexpr DataType kFloat = DataType::kFLOAT, kHalf = DataType::kHALF;
constexpr Target kTyped{.internal = kHalf, .normalizations = true, .attention = {.side = 1, .most = 128}, .normalized_products = true, .typed = true};

graph::Tensor* cast(graph::Network& network, graph::Tensor* x, DataType type) { return network.add_layer(LayerType::kCAST, {x}, graph::CastAttributes{type})->outputs[0]; }

graph::Tensor* product(graph::Network& network, graph::Tensor* a, graph::Tensor* b, MatrixOperation second = MatrixOperation::kNONE) {
    return network.add_layer(LayerType::kMATRIX_MULTIPLY, {a, b}, graph::MatrixMultiplyAttributes{MatrixOperation::kNONE, second})->outputs[0];
}

template <typename Kind>
std::size_t count(const Built& built) {
    return static_cast<std::size_t>(std::ranges::count_if(built.compiled.operations, [](const auto& op) { return std::holds_alternative<Kind>(op.kind); }));
}

template <typename Kind>
const tactics::Operation& only(const Built& built) {
    if (count<Kind>(built) != 1) throw std::logic_error("there is not one operation of this kind");
    return *std::ranges::find_if(built.compiled.operations, [](const auto& op) { return std::holds_alternative<Kind>(op.kind); });
}

DataType type_of(const Built& built, tactics::ValueId id) { return built.compiled.values[static_cast<std::size_t>(id)].dtype; }

template <typename Kind>
std::pair<DataType, DataType> ends_of(const Built& built) {
    const auto& op = only<Kind>(built);
    return {type_of(built, op.inputs[0]), type_of(built, op.outputs[0])};
}

TEST(TypedNetworks, AConvolutionOfHalvesIsNotOneOfFloatsForACastBehindIt) {
    graph::Network network;
    auto* x = network.add_input("x", kHalf, std::vector<std::int64_t>{1, 2, 4, 4});
    network.mark_output(scale_channels(network, cast(network, conv1x1(network, x, 2, {1, 2, 3, 4}), kFloat), {1e-6f, 2}, {0, 0}));
    const Built built = build_for(network, kTyped);
    const auto& convolution = only<tactics::Convolution>(built);
    EXPECT_EQ(ends_of<tactics::Convolution>(built), std::pair(kHalf, kHalf));
    EXPECT_TRUE(convolution.epilogue.empty());
    EXPECT_EQ(constant(built, convolution.inputs[1]), (std::vector<float>{1, 2, 3, 4})) << "the scale is float32's";
    EXPECT_EQ(type_of(built, only<tactics::Pointwise>(built).operands.at(0)), kFloat) << "1e-6 is no half";
}

TEST(TypedNetworks, AProductOfFloatsIsNotOneOfHalvesForACastBehindIt) {
    graph::Network network;
    auto* x = input(network, {3, 8});
    network.mark_output(cast(network, test::product(network, x, 8, 4, 1.0f), kHalf));
    const Built built = build_for(network, kTyped);
    EXPECT_EQ(ends_of<tactics::MatrixProduct>(built), std::pair(kFloat, kFloat));
    EXPECT_EQ(ends_of<tactics::Pointwise>(built), std::pair(kFloat, kHalf));
}

TEST(TypedNetworks, WhatReadsHalvesItselfNeedsNoCast) {
    graph::Network network;
    auto* x = network.add_input("x", kHalf, std::vector<std::int64_t>{33, 64});
    auto* y = normalize(network, cast(network, product(network, x, cast(network, input(network, {64, 64}, "w"), kHalf)), kFloat)).quotient;
    network.mark_output(cast(network, y, kHalf));
    const Built built = build_for(network, kTyped);
    EXPECT_EQ(ends_of<tactics::MatrixProduct>(built), std::pair(kHalf, kHalf));
    EXPECT_EQ(ends_of<tactics::Normalization>(built), std::pair(kHalf, kHalf));
    EXPECT_EQ(count<tactics::Pointwise>(built), 1u) << "the cast of w";
}

Built normalized_product(DataType rows, DataType factors) {
    graph::Network network;
    auto* x = network.add_input("x", rows, std::vector<std::int64_t>{256, 64});
    auto* activated = relu(network, x);
    auto* y = normalize(network, rows == kFloat ? activated : cast(network, activated, kFloat)).quotient;
    auto* weights = network.add_constant({64, 256}, floats(std::vector<float>(std::size_t{64} * 256, 0.5f)));
    network.mark_output(factors == kFloat ? product(network, y, weights) : product(network, cast(network, y, factors), cast(network, weights, factors)));
    return build_for(network, kTyped);
}

TEST(TypedNetworks, MatrixUnitsNormaliseRowsOfHalvesAlone) {
    const auto normalizes = [](const Built& built) { return std::get<tactics::MatrixProduct>(only<tactics::MatrixProduct>(built).kind).normalized.has_value(); };
    EXPECT_TRUE(normalizes(normalized_product(kHalf, kHalf)));
    EXPECT_FALSE(normalizes(normalized_product(kFloat, kHalf))) << "rows would be rounded before their mean is taken away";
    const Built floats_only = normalized_product(kFloat, kFloat);
    EXPECT_FALSE(normalizes(floats_only));
    EXPECT_EQ(ends_of<tactics::MatrixProduct>(floats_only), std::pair(kFloat, kFloat));
}

struct AttentionTypes {
    DataType factors = kHalf, softmax = kHalf, values = kHalf;
    bool scaled = false; // behind the cast
};
Built attention(const AttentionTypes& types) {
    graph::Network network;
    const std::vector<std::int64_t> dims{2, 3, 17, 16};
    auto *q = network.add_input("q", types.factors, dims), *k = network.add_input("k", types.factors, dims), *v = network.add_input("v", types.values, dims);
    const auto as = [&](graph::Tensor* tensor, DataType type) { return tensor->dtype == type ? tensor : cast(network, tensor, type); };
    auto* scores = as(product(network, q, k, MatrixOperation::kTRANSPOSE), types.softmax);
    if (types.scaled) scores = elementwise(network, scores, number(network, scores, 0.25f), Op::kPROD);
    auto* weights = network.add_layer(LayerType::kSOFTMAX, {scores}, graph::SoftMaxAttributes{1u << 3})->outputs[0];
    network.mark_output(product(network, as(weights, types.values), v));
    return build_for(network, kTyped);
}

TEST(TypedNetworks, AttentionIsOneOperationOfOneType) {
    EXPECT_EQ(ends_of<tactics::Attention>(attention({})), std::pair(kHalf, kHalf));
    EXPECT_EQ(ends_of<tactics::Attention>(attention({kFloat, kFloat, kFloat})), std::pair(kFloat, kFloat));
    EXPECT_EQ(ends_of<tactics::Attention>(attention({kHalf, kFloat, kHalf})), std::pair(kHalf, kHalf)) << "its softmax is float32's anyway";
    EXPECT_EQ(count<tactics::Attention>(attention({kFloat, kFloat, kHalf})), 0u);
    EXPECT_EQ(count<tactics::Attention>(attention({kHalf, kFloat, kFloat, true})), 0u);
    EXPECT_EQ(ends_of<tactics::Attention>(attention({kFloat, kFloat, kFloat, true})), std::pair(kFloat, kFloat));
}

TEST(TypedNetworks, SumsOfHalvesStayFloat) {
    graph::Network network;
    auto* x = network.add_input("x", kHalf, std::vector<std::int64_t>{3, 33});
    auto* square = elementwise(network, x, x, Op::kPROD);
    auto* mean = network.add_layer(LayerType::kREDUCE, {square}, graph::ReduceAttributes{ReduceOperation::kAVG, 2, true})->outputs[0];
    network.mark_output(elementwise(network, x, mean, Op::kDIV));
    const Built built = build_for(network, kTyped);
    EXPECT_EQ(ends_of<tactics::Reduce>(built), std::pair(kFloat, kFloat)) << "256 squared is beyond float16";
}

TEST(TypedNetworks, WhatIsCastFromFloatIsHalfInMemory) {
    graph::Network network;
    auto* x = input(network, {3, 33});
    auto* half = cast(network, elementwise(network, x, x, Op::kPROD), kHalf);
    for (const auto op : {UnaryOperation::kEXP, UnaryOperation::kABS}) network.mark_output(unary(network, half, op));
    const Built built = build_for(network, kTyped);
    const auto casts = std::ranges::find_if(built.compiled.operations, [&](const auto& op) { return type_of(built, op.inputs[0]) == kFloat; });
    ASSERT_NE(casts, built.compiled.operations.end());
    EXPECT_EQ(type_of(built, casts->outputs[0]), kHalf) << "two read it, neither of which needs more";
}

} // namespace
} // namespace tensorvk::compiler
