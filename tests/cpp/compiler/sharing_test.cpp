// What is computed once where a network says it twice, and what must not be.
#include <gtest/gtest.h>

#include <limits>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests
using Op = ElementWiseOperation;

Compiled built(const graph::Network& network, const Target& target = {}) {
    WeightStore weights;
    return compile(network, target, weights);
}

template <typename Kind>
std::size_t count(const Compiled& compiled) {
    return static_cast<std::size_t>(std::ranges::count_if(compiled.operations, [](const auto& op) { return std::holds_alternative<Kind>(op.kind); }));
}

const Operation& writer(const Compiled& compiled, const std::string& tensor) {
    const auto writes = [&](tactics::ValueId id) { return id >= 0 && compiled.values[static_cast<std::size_t>(id)].name == tensor; };
    const auto op = std::ranges::find_if(compiled.operations, [&](const Operation& o) { return std::ranges::any_of(o.outputs, writes); });
    EXPECT_NE(op, compiled.operations.end()) << tensor;
    return *op;
}

graph::Tensor* named_output(graph::Network& network, graph::Tensor* tensor, const char* name) {
    network.rename(tensor, name);
    network.mark_output(tensor);
    return tensor;
}

graph::Tensor* operation(graph::Network& network, const char* what, std::vector<graph::Tensor*> inputs, AttributeSet attributes = {}) {
    return network.add_layer(LayerType::kOPERATOR, std::move(inputs), graph::OperatorAttributes{what, std::move(attributes)})->outputs[0];
}

graph::Tensor* product(graph::Network& network, std::vector<graph::Tensor*> factors) {
    return network.add_layer(LayerType::kMATRIX_MULTIPLY, std::move(factors), graph::MatrixMultiplyAttributes{})->outputs[0];
}

graph::Tensor* softmax(graph::Network& network, graph::Tensor* x, std::uint32_t axes) {
    return network.add_layer(LayerType::kSOFTMAX, {x}, graph::SoftMaxAttributes{axes})->outputs[0];
}

graph::Tensor* mean(graph::Network& network, graph::Tensor* x) {
    const std::uint32_t last = 1u << (x->dims.size() - 1);
    return network.add_layer(LayerType::kREDUCE, {x}, graph::ReduceAttributes{ReduceOperation::kAVG, last, true})->outputs[0];
}

TEST(Sharing, EqualConvolutionsWithEqualBytesOfWeightsAreOne) {
    graph::Network network;
    graph::Tensor* x = input(network, {1, 2, 5, 5});
    const auto activated = [&] { return relu(network, conv1x1(network, x, 1, {1, 2}, {3})); };
    network.mark_output(elementwise(network, softmax(network, activated(), 1 << 2), softmax(network, activated(), 1 << 3), Op::kSUM));
    const Compiled compiled = built(network);
    ASSERT_EQ(count<tactics::Convolution>(compiled), 1u);
    EXPECT_EQ(compiled.operations.size(), 4u);
    const Operation& convolution = compiled.operations[0];
    EXPECT_EQ(kernels::str(convolution.epilogue), "relu(v0)") << "one reader is left, which the convolution takes in";
    EXPECT_EQ(std::ranges::count(convolution.name, '+'), 3) << "two convolutions and two activations: " << convolution.name;
}

TEST(Sharing, WeightsBiasesAndGeometryCount) {
    const auto convolutions = [](auto second) {
        graph::Network network;
        graph::Tensor* x = input(network, {1, 2, 5, 5});
        network.mark_output(elementwise(network, conv1x1(network, x, 1, {1, 2}, {3}), second(network, x), Op::kSUM));
        return count<tactics::Convolution>(built(network));
    };
    EXPECT_EQ(convolutions([](graph::Network& n, graph::Tensor* x) { return conv1x1(n, x, 1, {1, 2}, {3}); }), 1u);
    EXPECT_EQ(convolutions([](graph::Network& n, graph::Tensor* x) { return conv1x1(n, x, 1, {1, -2}, {3}); }), 2u);
    EXPECT_EQ(convolutions([](graph::Network& n, graph::Tensor* x) { return conv1x1(n, x, 1, {1, 2}, {4}); }), 2u);
    EXPECT_EQ(convolutions([](graph::Network& n, graph::Tensor* x) { return conv1x1(n, x, 1, {1, 2}); }), 2u);
    const auto padded = [](std::int64_t before, std::int64_t other) {
        graph::Network network;
        graph::Tensor* x = input(network, {1, 1, 5, 5});
        const auto convolution = [&](std::int64_t rows) {
            graph::ConvolutionAttributes a;
            a.maps = 1;
            a.geometry.kernel = {3, 1};
            a.geometry.pre = {rows, 0};
            a.geometry.post = {2 - rows, 0};
            a.kernel = floats({1, 2, 3});
            return network.add_layer(LayerType::kCONVOLUTION, {x}, a)->outputs[0];
        };
        network.mark_output(elementwise(network, convolution(before), convolution(other), Op::kSUM));
        return count<tactics::Convolution>(built(network));
    };
    EXPECT_EQ(padded(2, 2), 1u);
    EXPECT_EQ(padded(2, 0), 2u);
}

TEST(Sharing, WhatFollowsFromSharedResultsIsSharedAsWell) {
    graph::Network network;
    graph::Tensor* x = input(network, {3, 5, 7});
    const auto chain = [&](std::uint32_t axes) { return softmax(network, reshape(network, transpose(network, x, {2, 0, 1}), {7, 15}), axes); };
    network.mark_output(product(network, {chain(2), transpose(network, chain(2), {1, 0})}));
    network.mark_output(chain(1));
    const Compiled compiled = built(network);
    EXPECT_EQ(count<tactics::SoftMax>(compiled), 2u) << "along one axis, and along the other";
    EXPECT_EQ(count<tactics::Copy>(compiled), 2u) << "x turned, and one result turned back";
}

TEST(Sharing, ZerosOfDifferentSignAreDifferentNumbers) {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    const auto quotients = [](float a, float b) {
        graph::Network network;
        graph::Tensor* x = input(network, {2, 3});
        const auto divided = [&](float by) { return mean(network, elementwise(network, x, network.add_constant({1, 1}, floats({by})), Op::kDIV)); };
        network.mark_output(elementwise(network, divided(a), divided(b), Op::kMAX));
        return count<tactics::Reduce>(built(network));
    };
    EXPECT_EQ(quotients(0.0f, 0.0f), 1u);
    EXPECT_EQ(quotients(0.0f, -0.0f), 2u);
    EXPECT_EQ(quotients(kNan, kNan), 1u);
    const auto windows = [](double a, double b) {
        graph::Network network;
        graph::Tensor* x = input(network, {2, 3});
        const auto padded = [&](double fill) {
            return network.add_layer(LayerType::kSLICE, {x}, graph::SliceAttributes{{-1, 0}, {4, 3}, {1, 1}, {}, SampleMode::kFILL, fill})->outputs[0];
        };
        network.mark_output(product(network, {padded(a), transpose(network, padded(b), {1, 0})}));
        return count<tactics::Copy>(built(network));
    };
    EXPECT_EQ(windows(0.0, -0.0), windows(0.0, 0.0) + 1);
}

TEST(Sharing, WhatIsDrawnAtRandomIsDrawnAgain) {
    const auto calls = [](const char* what) {
        graph::Network network;
        graph::Tensor* x = input(network, {1, 2, 3, 3});
        network.mark_output(elementwise(network, operation(network, what, {x}), softmax(network, operation(network, what, {x}), 2), Op::kSUM));
        return count<tactics::HostCall>(built(network));
    };
    EXPECT_EQ(calls("RandomUniformLike"), 2u);
    EXPECT_EQ(calls("GlobalLpPool"), 1u);
}

TEST(Sharing, SizesThatResultsTellStayApart) {
    graph::Network network;
    graph::Tensor* x = input(network, {2, 3});
    network.mark_output(operation(network, "NonZero", {x}));
    network.mark_output(operation(network, "NonZero", {x}));
    EXPECT_EQ(count<tactics::HostCall>(built(network)), 2u);
}

TEST(Sharing, WhatTheUserWantsInFloat32StaysApart) {
    graph::Network network;
    graph::Tensor* x = input(network, {2, 3});
    graph::Tensor* a = softmax(network, x, 2);
    graph::Tensor* b = softmax(network, x, 2);
    b->producer->precision = DataType::kFLOAT;
    network.mark_output(product(network, {a, transpose(network, b, {1, 0})}));
    EXPECT_EQ(count<tactics::SoftMax>(built(network, {DataType::kHALF})), 2u);
}

TEST(Sharing, EqualOutputsOfTheNetworkAreComputedOnceAndBothWritten) {
    graph::Network network;
    graph::Tensor* x = input(network, {4, 3});
    graph::Tensor* first = named_output(network, softmax(network, x, 2), "first");
    named_output(network, softmax(network, x, 2), "second");
    named_output(network, mean(network, softmax(network, x, 2)), "third");
    const Compiled compiled = built(network);
    ASSERT_EQ(count<tactics::SoftMax>(compiled), 1u);
    EXPECT_TRUE(std::holds_alternative<tactics::SoftMax>(writer(compiled, "first").kind));
    const Operation& copy = writer(compiled, "second");
    EXPECT_TRUE(std::holds_alternative<tactics::Pointwise>(copy.kind) && copy.epilogue.empty());
    EXPECT_EQ(copy.inputs, writer(compiled, "first").outputs);
    EXPECT_EQ(writer(compiled, "third").inputs, writer(compiled, "first").outputs);
    ASSERT_EQ(compiled.program.io.size(), 4u);
    EXPECT_EQ(compiled.program.io[1].name, first->name);
    EXPECT_NE(compiled.program.io[1].buffer, compiled.program.io[2].buffer);
}

TEST(Sharing, AnOutputStandsForAnInnerTensorThatIsTheSame) {
    graph::Network network;
    graph::Tensor* x = input(network, {4, 3});
    graph::Tensor* inner = mean(network, softmax(network, x, 2));
    named_output(network, softmax(network, x, 2), "probabilities");
    named_output(network, inner, "means");
    const Compiled compiled = built(network);
    ASSERT_EQ(compiled.operations.size(), 2u);
    EXPECT_EQ(writer(compiled, "means").inputs, writer(compiled, "probabilities").outputs);
}

TEST(Sharing, ResultsThatOnlyOneOfTwoIsAskedForAreOneOperations) {
    graph::Network network;
    graph::Tensor* x = input(network, {4, 9});
    const auto top = [&](std::size_t output) { return network.add_layer(LayerType::kTOPK, {x}, graph::TopKAttributes{TopKOperation::kMAX, 3, 2})->outputs[output]; };
    network.mark_output(top(0));
    network.mark_output(top(1));
    const Compiled compiled = built(network);
    ASSERT_EQ(compiled.operations.size(), 1u);
    EXPECT_TRUE(std::ranges::none_of(compiled.operations[0].outputs, [](tactics::ValueId id) { return id < 0; }));
}

TEST(Sharing, ACheapStepStaysInBothOfItsReaders) {
    graph::Network network;
    graph::Tensor* x = input(network, {4, 3});
    for (const char* name : {"y", "z"}) {
        network.mark_output(elementwise(network, relu(network, x), input(network, {4, 3}, name), Op::kPROD));
    }
    const Compiled compiled = built(network);
    ASSERT_EQ(compiled.operations.size(), 2u) << "a shared relu would be a third one, through memory";
    EXPECT_EQ(kernels::str(compiled.operations[1].epilogue), kernels::str(compiled.operations[0].epilogue));
}

TEST(Sharing, TwoNormalisationsOfTheSameRowsStayOneOperationEach) {
    graph::Network network;
    graph::Tensor* x = input(network, {4, 3});
    const auto normalized = [&](std::vector<float> scale) {
        graph::Tensor* difference = elementwise(network, x, mean(network, x), Op::kSUB);
        graph::Tensor* variance = mean(network, elementwise(network, difference, difference, Op::kPROD));
        graph::Tensor* sum = elementwise(network, variance, network.add_constant({1, 1}, floats({1e-5f})), Op::kSUM);
        graph::Tensor* deviation = network.add_layer(LayerType::kUNARY, {sum}, graph::UnaryAttributes{UnaryOperation::kSQRT})->outputs[0];
        return elementwise(network, elementwise(network, difference, deviation, Op::kDIV), network.add_constant({1, 3}, floats(std::move(scale))), Op::kPROD);
    };
    network.mark_output(normalized({1, 2, 3}));
    network.mark_output(normalized({4, 5, 6}));
    network.mark_output(softmax(network, normalized({4, 5, 6}), 2));
    const Compiled compiled = built(network, {.normalizations = true});
    EXPECT_EQ(count<tactics::Normalization>(compiled), 2u);
    EXPECT_EQ(compiled.operations.size(), 3u);
}

TEST(Sharing, ADifferenceFromAMeanThatIsWrittenTwiceStillMakesANormalisation) {
    graph::Network network;
    graph::Tensor* x = input(network, {4, 3});
    graph::Tensor* average = mean(network, x);
    const auto difference = [&] { return elementwise(network, x, average, Op::kSUB); };
    graph::Tensor* once = difference();
    graph::Tensor* sum = elementwise(network, mean(network, elementwise(network, once, once, Op::kPROD)), network.add_constant({1, 1}, floats({1e-5f})), Op::kSUM);
    graph::Tensor* deviation = network.add_layer(LayerType::kUNARY, {sum}, graph::UnaryAttributes{UnaryOperation::kSQRT})->outputs[0];
    network.mark_output(elementwise(network, difference(), deviation, Op::kDIV));
    EXPECT_EQ(built(network, {.normalizations = true}).operations.size(), 1u);
    const Compiled in_parts = built(network);
    EXPECT_EQ(in_parts.operations.size(), 5u) << "two means, the deviation, and what reads x less its mean computes the difference itself";
}

TEST(Sharing, PartsOfConcatenationsAreWhatOthersWriteAsWell) {
    graph::Network network;
    graph::Tensor* x = input(network, {4, 3});
    graph::Tensor* y = input(network, {4, 3}, "y");
    network.mark_output(softmax(network, concatenation(network, {x, y}, 0), 1));
    network.mark_output(softmax(network, concatenation(network, {x, x}, 0), 1));
    const Compiled compiled = built(network);
    EXPECT_EQ(count<tactics::Copy>(compiled), 4u);
    EXPECT_EQ(count<tactics::SoftMax>(compiled), 2u);
}

} // namespace
} // namespace tensorvk::compiler
