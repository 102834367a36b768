// What exporters spell out becomes one operation; what only moves constants is done when the network is built.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests
using Op = ElementWiseOperation;

graph::Tensor* number(graph::Network& network, float value) { return network.add_constant({1, 1}, floats({value})); }

//! 1 + erf(x / sqrt(2)), with the scale as a factor or as a divisor.
graph::Tensor* shifted_erf(graph::Network& network, graph::Tensor* x, bool divide) {
    graph::Tensor* scaled = divide ? elementwise(network, x, number(network, std::sqrt(2.0f)), Op::kDIV)
                                   : elementwise(network, number(network, std::sqrt(0.5f)), x, Op::kPROD);
    graph::Tensor* erf = network.add_layer(LayerType::kUNARY, {scaled}, graph::UnaryAttributes{UnaryOperation::kERF})->outputs[0];
    return elementwise(network, erf, number(network, 1.0f), Op::kSUM);
}

//! The program of a network of one operation.
std::string program_of(graph::Network& network, graph::Tensor* result) {
    network.mark_output(result);
    WeightStore weights;
    const Compiled compiled = compile(network, {}, weights);
    EXPECT_EQ(compiled.operations.size(), 1u);
    return kernels::str(compiled.operations.at(0).epilogue);
}

TEST(Simplify, EverySpellingOfGeluIsOneOperation) {
    for (const bool divide : {true, false}) {
        graph::Network a, b, c;
        graph::Tensor* x = input(a, {2, 3});
        EXPECT_EQ(program_of(a, elementwise(a, elementwise(a, x, shifted_erf(a, x, divide), Op::kPROD), number(a, 0.5f), Op::kPROD)), "gelu(v0)");
        x = input(b, {2, 3});
        EXPECT_EQ(program_of(b, elementwise(b, elementwise(b, x, number(b, 0.5f), Op::kPROD), shifted_erf(b, x, divide), Op::kPROD)), "gelu(v0)");
        x = input(c, {2, 3});
        EXPECT_EQ(program_of(c, elementwise(c, x, elementwise(c, number(c, 0.5f), shifted_erf(c, x, divide), Op::kPROD), Op::kPROD)), "gelu(v0)");
    }
}

TEST(Simplify, WhatIsNotGeluStays) {
    graph::Network other_factor, other_argument;
    graph::Tensor* x = input(other_factor, {2, 3});
    const auto name = [](const std::string& program) { return program.find("gelu"); };
    EXPECT_EQ(name(program_of(other_factor, elementwise(other_factor, elementwise(other_factor, x, shifted_erf(other_factor, x, true), Op::kPROD),
                                                        number(other_factor, 0.6f), Op::kPROD))), std::string::npos);
    x = input(other_argument, {2, 3});
    graph::Tensor* y = input(other_argument, {2, 3}, "y");
    EXPECT_EQ(name(program_of(other_argument, elementwise(other_argument, elementwise(other_argument, y, shifted_erf(other_argument, x, true), Op::kPROD),
                                                          number(other_argument, 0.5f), Op::kPROD))), std::string::npos);
}

TEST(Simplify, PowersThatAreAProductOrARoot) {
    const auto power = [](float exponent) {
        graph::Network network;
        graph::Tensor* x = input(network, {2, 3});
        return program_of(network, elementwise(network, x, number(network, exponent), Op::kPOW));
    };
    EXPECT_EQ(power(2.0f), "v0 * v0");
    EXPECT_EQ(power(0.5f), "sqrt(v0)");
    EXPECT_EQ(power(3.0f).find("sqrt"), std::string::npos);
    EXPECT_EQ(power(3.0f).find('*'), std::string::npos);
}

//! Numbers of the second argument of the network's only operation, a sum; nothing where others come before it.
std::vector<float> added(graph::Network& network, graph::Tensor* x, graph::Tensor* moved) {
    network.mark_output(elementwise(network, x, moved, Op::kSUM));
    WeightStore weights;
    const Compiled compiled = compile(network, {}, weights);
    if (compiled.operations.size() != 1 || compiled.operations[0].operands.size() != 1) return {};
    const auto& buffer = compiled.program.buffers[static_cast<std::size_t>(compiled.values[static_cast<std::size_t>(compiled.operations[0].operands[0])].buffer)];
    std::vector<float> out(static_cast<std::size_t>(*compiled.program.exprs.value(buffer.bytes)) / sizeof(float));
    std::memcpy(out.data(), weights.bytes().data() + buffer.constant_offset, out.size() * sizeof(float));
    return out;
}

TEST(Constants, SlicesOfThemAndTheirConcatenationsAreDoneOnce) {
    graph::Network network;
    graph::Tensor* x = input(network, {4, 2});
    graph::Tensor* whole = network.add_constant({4, 2}, floats({1, 2, 3, 4, 5, 6, 7, 8}));
    const auto rows = [&](std::int64_t from, std::int64_t count) {
        return network.add_layer(LayerType::kSLICE, {whole}, graph::SliceAttributes{{from, 0}, {count, 2}, {1, 1}, {}})->outputs[0];
    };
    graph::Tensor* turned = network.add_layer(LayerType::kCONCATENATION, {rows(3, 1), rows(0, 3)}, graph::ConcatenationAttributes{0})->outputs[0];
    EXPECT_EQ(added(network, x, turned), (std::vector<float>{7, 8, 1, 2, 3, 4, 5, 6}));
}

TEST(Constants, WhatRepeatsThemIsNotKeptInThePlan) {
    graph::Network network;
    graph::Tensor* x = input(network, {1000, 1000});
    graph::Tensor* row = network.add_constant({1, 1000}, floats(std::vector<float>(1000, 1.0f)));
    graph::Tensor* many = network.add_layer(LayerType::kSLICE, {row}, graph::SliceAttributes{{0, 0}, {1000, 1000}, {0, 1}, {}})->outputs[0];
    EXPECT_TRUE(added(network, x, many).empty());
}

} // namespace
} // namespace tensorvk::compiler
