// Where graphs with QuantizeLinear and DequantizeLinear compute in integers, and where they must not.
#include <gtest/gtest.h>

#include "compiler/compile.hpp"
#include "compiler/networks.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

template <typename T>
graph::Weights weights(DataType type, std::vector<T> values) {
    auto owner = std::make_shared<std::vector<T>>(std::move(values));
    return {type, reinterpret_cast<const std::byte*>(owner->data()), static_cast<std::int64_t>(owner->size()), owner};
}

graph::Tensor* linear(graph::Network& network, const char* op, graph::Tensor* x, float scale, int zero) {
    auto* s = network.add_constant({}, floats({scale}));
    auto* z = network.add_constant({}, weights<std::int8_t>(DataType::kINT8, {static_cast<std::int8_t>(zero)}));
    return network.add_layer(LayerType::kOPERATOR, {x, s, z}, graph::OperatorAttributes{op, {}})->outputs[0];
}

graph::Tensor* quantize(graph::Network& network, graph::Tensor* x, float scale, int zero = 0) {
    return linear(network, "QuantizeLinear", x, scale, zero);
}

graph::Tensor* dequantize(graph::Network& network, graph::Tensor* x, float scale, int zero = 0) {
    return linear(network, "DequantizeLinear", x, scale, zero);
}

//! Q, then DQ.
graph::Tensor* through_bytes(graph::Network& network, graph::Tensor* x, float scale, int zero = 0) {
    return dequantize(network, quantize(network, x, scale, zero), scale, zero);
}

//! 1x1 convolution with `channels` maps whose int8 weights are dequantized, one scale per map.
graph::Tensor* quantized_conv(graph::Network& network, graph::Tensor* x, std::int64_t channels, std::int8_t weight = 3) {
    const auto count = static_cast<std::size_t>(channels);
    auto* integers = network.add_constant({channels, channels, 1, 1}, weights(DataType::kINT8, std::vector<std::int8_t>(count * count, weight)));
    auto* scale = network.add_constant({channels}, floats(std::vector<float>(count, 0.25f)));
    AttributeSet axis;
    axis.set("axis", std::int64_t{0});
    auto* w = network.add_layer(LayerType::kOPERATOR, {integers, scale}, graph::OperatorAttributes{"DequantizeLinear", axis})->outputs[0];
    graph::ConvolutionAttributes a;
    a.maps = channels;
    a.geometry.kernel = {1, 1};
    a.bias = floats(std::vector<float>(count, 1.0f));
    return network.add_layer(LayerType::kCONVOLUTION, {x, w}, a)->outputs[0];
}

graph::Tensor* max_pool(graph::Network& network, graph::Tensor* x) {
    graph::PoolingAttributes a;
    a.geometry.window = {2, 2};
    a.geometry.stride = {2, 2};
    return network.add_layer(LayerType::kPOOLING, {x}, a)->outputs[0];
}

struct Built {
    WeightStore weights;
    Compiled compiled;

    explicit Built(const graph::Network& network, DataType internal = DataType::kFLOAT, bool host_tiles = false)
        : compiled(compile(network, {internal, host_tiles}, weights)) {}

    [[nodiscard]] DataType type(tactics::ValueId id) const { return compiled.values[static_cast<std::size_t>(id)].dtype; }
    //! But for what brings the network's own tensors into another layout.
    template <typename Kind>
    [[nodiscard]] std::vector<const tactics::Operation*> all() const {
        std::vector<const tactics::Operation*> out;
        for (const auto& op : compiled.operations) {
            if (std::holds_alternative<Kind>(op.kind) && !op.name.starts_with("reformat")) {
                out.push_back(&op);
            }
        }
        return out;
    }
    //! Operations whose program quantizes.
    [[nodiscard]] std::size_t quantizers() const {
        std::size_t count = 0;
        for (const auto& op : compiled.operations) {
            count += kernels::str(op.epilogue).find("quantize") != std::string::npos ? 1 : 0;
        }
        return count;
    }
};

TEST(Quantization, ConvolutionBetweenDequantizeAndQuantizeIsOneOperationOnIntegers) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 8, 5, 5}), 0.5f, 3);
    network.mark_output(dequantize(network, quantize(network, relu(network, quantized_conv(network, x, 8)), 2.0f), 2.0f));
    const Built built(network);
    const auto products = built.all<tactics::Convolution>();
    ASSERT_EQ(products.size(), 1u);
    const tactics::Operation& op = *products[0];
    EXPECT_EQ(built.type(op.inputs[0]), DataType::kINT8);
    EXPECT_EQ(built.type(op.inputs[1]), DataType::kINT8);
    EXPECT_EQ(built.type(op.outputs[0]), DataType::kINT8);
    EXPECT_EQ(std::get<tactics::Convolution>(op.kind).zero.x, 3);
    EXPECT_EQ(kernels::str(op.epilogue), "min(max(quantize(relu(((v0 * op0) + op1)), 2), -128), 127)");
    EXPECT_EQ(built.compiled.operations.size(), 3u) << "quantize the input, convolve, dequantize the output";
}

// As ONNX Runtime writes networks around 0: a convolution and its activation each have a scale.
TEST(Quantization, BytesOnTheWayToBytesStayInTheEpilogue) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 8, 5, 5}), 0.5f);
    auto* y = relu(network, through_bytes(network, quantized_conv(network, x, 8), 2.0f));
    network.mark_output(dequantize(network, quantize(network, y, 1.0f), 1.0f));
    const Built built(network);
    ASSERT_EQ(built.all<tactics::Convolution>().size(), 1u);
    const tactics::Operation& op = *built.all<tactics::Convolution>()[0];
    EXPECT_EQ(built.type(op.outputs[0]), DataType::kINT8);
    EXPECT_EQ(kernels::str(op.epilogue), "min(max(quantize(relu((min(max(quantize(((v0 * op0) + op1), 2), -128), 127) * 2)), 1), -128), 127)");
    EXPECT_EQ(built.compiled.operations.size(), 3u) << "quantize the input, convolve, dequantize the output";
}

TEST(Quantization, TwoProductsThatAreAddedStoreBytesBoth) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 8, 5, 5}), 0.5f);
    auto* a = through_bytes(network, quantized_conv(network, x, 8), 2.0f);
    auto* b = through_bytes(network, quantized_conv(network, x, 8, 5), 4.0f);
    network.mark_output(dequantize(network, quantize(network, elementwise(network, a, b, ElementWiseOperation::kSUM), 1.0f), 1.0f));
    const Built built(network);
    ASSERT_EQ(built.all<tactics::Convolution>().size(), 2u);
    for (const tactics::Operation* op : built.all<tactics::Convolution>()) EXPECT_EQ(built.type(op->outputs[0]), DataType::kINT8) << op->name;
}

TEST(Quantization, BytesThatMeetWhatAnEpilogueCannotReadAreStored) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {2, 8, 5, 5}), 0.5f);
    auto* gate = input(network, {2, 8, 1, 1}, "gate"); // another number for each picture
    auto* y = elementwise(network, through_bytes(network, quantized_conv(network, x, 8), 2.0f), gate, ElementWiseOperation::kPROD);
    network.mark_output(dequantize(network, quantize(network, y, 1.0f), 1.0f));
    const Built built(network);
    ASSERT_EQ(built.all<tactics::Convolution>().size(), 1u);
    EXPECT_EQ(built.type(built.all<tactics::Convolution>()[0]->outputs[0]), DataType::kINT8);
}

TEST(Quantization, FloatsInBetweenKeepTheirScalesInHalfPrecision) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 8, 5, 5}), 0.5f);
    network.mark_output(relu(network, quantized_conv(network, x, 8)));
    const Built built(network, DataType::kHALF);
    const auto products = built.all<tactics::Convolution>();
    ASSERT_EQ(products.size(), 1u);
    ASSERT_EQ(products[0]->operands.size(), 2u);
    EXPECT_EQ(built.type(products[0]->operands[0]), DataType::kFLOAT);
}

TEST(Quantization, ConvolutionOfFloatWeightsStaysFloat) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 2, 5, 5}), 0.5f);
    network.mark_output(conv1x1(network, x, 1, {1, 2}));
    const Built built(network);
    ASSERT_EQ(built.all<tactics::Convolution>().size(), 1u);
    EXPECT_EQ(built.type(built.all<tactics::Convolution>()[0]->inputs[0]), DataType::kFLOAT);
}

//! Of floats, behind it relu and quantize.
void add_quantizing_product(graph::Network& network, LayerType type) {
    graph::ConvolutionAttributes a;
    a.maps = 2;
    a.geometry.kernel = {1, 1};
    a.kernel = floats({1, 2, 3, 4});
    auto* y = network.add_layer(type, {input(network, {1, 2, 5, 5})}, a)->outputs[0];
    network.mark_output(dequantize(network, quantize(network, relu(network, y), 2.0f, 3), 2.0f, 3));
}

TEST(Quantization, TransposedConvolutionOfFloatsQuantizesWhereTilesDo) {
    for (const LayerType type : {LayerType::kDECONVOLUTION, LayerType::kCONVOLUTION}) {
        for (const DataType internal : {DataType::kFLOAT, DataType::kBF16}) {
            for (const bool tiles : {false, true}) {
                graph::Network network;
                add_quantizing_product(network, type);
                const Built built(network, internal, tiles);
                ASSERT_EQ(built.all<tactics::Convolution>().size(), 1u);
                const bool fused = tiles && internal == DataType::kFLOAT && type == LayerType::kDECONVOLUTION;
                EXPECT_EQ(built.type(built.all<tactics::Convolution>()[0]->outputs[0]) == DataType::kINT8, fused);
                EXPECT_EQ(built.quantizers(), 1u);
            }
        }
    }
}

TEST(Quantization, QuantizeMovesInFrontOfAMaximum) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 8, 6, 6}), 0.5f);
    auto* pooled = max_pool(network, relu(network, quantized_conv(network, x, 8)));
    network.mark_output(dequantize(network, quantize(network, pooled, 2.0f), 2.0f));
    const Built built(network);
    ASSERT_EQ(built.all<tactics::Pooling>().size(), 1u);
    EXPECT_EQ(built.type(built.all<tactics::Pooling>()[0]->inputs[0]), DataType::kINT8);
    EXPECT_EQ(built.type(built.all<tactics::Convolution>().at(0)->outputs[0]), DataType::kINT8) << "its epilogue quantizes";
}

TEST(Quantization, SameNumbersAreQuantizedOnce) {
    graph::Network network;
    auto* x = input(network, {1, 8, 5, 5});
    auto* a = quantized_conv(network, through_bytes(network, x, 0.5f), 8);
    auto* b = quantized_conv(network, through_bytes(network, x, 0.5f), 8, 5);
    network.mark_output(a);
    network.mark_output(b);
    const Built built(network);
    EXPECT_EQ(built.quantizers(), 1u);
    EXPECT_EQ(built.all<tactics::Convolution>().size(), 2u);
}

TEST(Quantization, OtherNumbersAreQuantizedAgain) {
    graph::Network network;
    auto* x = input(network, {1, 8, 5, 5});
    network.mark_output(quantized_conv(network, through_bytes(network, x, 0.5f), 8));
    network.mark_output(quantized_conv(network, through_bytes(network, x, 0.25f), 8));
    EXPECT_EQ(Built(network).quantizers(), 2u);
}

TEST(Quantization, DequantizeAndQuantizeWithTheSameScaleCancelAroundMovedData) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 8, 6, 6}), 0.5f);
    auto* pooled = max_pool(network, x);
    network.mark_output(quantized_conv(network, through_bytes(network, pooled, 0.5f), 8));
    const Built built(network);
    EXPECT_EQ(built.quantizers(), 1u) << "that of the network's input";
    EXPECT_EQ(built.type(built.all<tactics::Pooling>().at(0)->outputs[0]), DataType::kINT8);
}

TEST(Quantization, AnotherScaleDoesNotCancel) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 8, 6, 6}), 0.5f);
    network.mark_output(quantized_conv(network, through_bytes(network, max_pool(network, x), 0.25f), 8));
    EXPECT_EQ(Built(network).quantizers(), 2u);
}

TEST(Quantization, PartsOfAConcatenationAreQuantizedWhereTheyAreComputed) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 4, 5, 5}), 0.5f);
    auto* a = quantized_conv(network, x, 4);
    auto* b = quantized_conv(network, x, 4, 5);
    auto* joined = network.add_layer(LayerType::kCONCATENATION, {a, b}, graph::ConcatenationAttributes{1})->outputs[0];
    network.mark_output(quantized_conv(network, through_bytes(network, joined, 0.125f), 8));
    const Built built(network);
    const auto products = built.all<tactics::Convolution>();
    ASSERT_EQ(products.size(), 3u);
    EXPECT_EQ(built.type(products[0]->outputs[0]), DataType::kINT8);
    EXPECT_EQ(built.type(products[1]->outputs[0]), DataType::kINT8);
    for (const auto* copy : built.all<tactics::Copy>()) {
        EXPECT_EQ(built.type(copy->inputs[0]), DataType::kINT8);
    }
}

TEST(Quantization, PaddingIsTheZeroPoint) {
    graph::Network network;
    auto* x = through_bytes(network, input(network, {1, 4, 5, 5}), 0.5f, 7);
    graph::SliceAttributes pad;
    pad.start = {0, 0, -1, -1};
    pad.size = {1, 4, 7, 7};
    pad.stride = {1, 1, 1, 1};
    pad.mode = SampleMode::kFILL;
    auto* padded = network.add_layer(LayerType::kSLICE, {x}, pad)->outputs[0];
    network.mark_output(quantized_conv(network, padded, 4));
    const Built built(network);
    const auto copies = built.all<tactics::Copy>();
    ASSERT_EQ(copies.size(), 1u);
    EXPECT_EQ(built.type(copies[0]->inputs[0]), DataType::kINT8);
    EXPECT_EQ(std::get<tactics::Copy>(copies[0]->kind).fill, 7.0);
}

TEST(Quantization, ASumReadsItsIntegersItself) {
    graph::Network network;
    auto* x = input(network, {1, 8, 5, 5});
    auto* y = input(network, {1, 8, 5, 5}, "y");
    auto* sum = elementwise(network, through_bytes(network, x, 0.5f), through_bytes(network, y, 0.25f), ElementWiseOperation::kSUM);
    network.mark_output(quantize(network, sum, 1.0f));
    const Built built(network);
    for (const auto& op : built.compiled.operations) {
        EXPECT_EQ(built.type(op.outputs[0]), DataType::kINT8) << op.name << " stores numbers";
    }
}

} // namespace
} // namespace tensorvk::compiler
