// Small networks for compiler tests.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "graph/network.hpp"

namespace tensorvk::test {

inline graph::Weights floats(std::vector<float> values) {
    auto owner = std::make_shared<std::vector<float>>(std::move(values));
    return {DataType::kFLOAT, reinterpret_cast<const std::byte*>(owner->data()), static_cast<std::int64_t>(owner->size()), owner};
}

inline graph::Tensor* input(graph::Network& network, std::vector<std::int64_t> dims, const char* name = "x") {
    return network.add_input(name, DataType::kFLOAT, dims);
}

//! 1x1 convolution with the given weights [maps, channels].
inline graph::Tensor* conv1x1(graph::Network& network, graph::Tensor* x, std::int64_t maps, std::vector<float> kernel, std::vector<float> bias = {}) {
    graph::ConvolutionAttributes a;
    a.maps = maps;
    a.geometry.kernel = {1, 1};
    a.kernel = floats(std::move(kernel));
    if (!bias.empty()) {
        a.bias = floats(std::move(bias));
    }
    return network.add_layer(LayerType::kCONVOLUTION, {x}, a)->outputs[0];
}

inline graph::Tensor* relu(graph::Network& network, graph::Tensor* x) {
    return network.add_layer(LayerType::kACTIVATION, {x}, graph::ActivationAttributes{ActivationType::kRELU, 0, 0})->outputs[0];
}

inline graph::Tensor* sigmoid(graph::Network& network, graph::Tensor* x) {
    return network.add_layer(LayerType::kACTIVATION, {x}, graph::ActivationAttributes{ActivationType::kSIGMOID, 0, 0})->outputs[0];
}

inline graph::Tensor* elementwise(graph::Network& network, graph::Tensor* a, graph::Tensor* b, ElementWiseOperation op) {
    return network.add_layer(LayerType::kELEMENTWISE, {a, b}, graph::ElementWiseAttributes{op})->outputs[0];
}

inline graph::Tensor* scale_channels(graph::Network& network, graph::Tensor* x, std::vector<float> scale, std::vector<float> shift) {
    graph::ScaleAttributes a;
    a.mode = ScaleMode::kCHANNEL;
    a.scale = floats(std::move(scale));
    a.shift = floats(std::move(shift));
    return network.add_layer(LayerType::kSCALE, {x}, a)->outputs[0];
}

inline graph::Tensor* transpose(graph::Network& network, graph::Tensor* x, std::vector<int> order) {
    graph::ShuffleAttributes a;
    a.first_transpose.emplace();
    std::copy(order.begin(), order.end(), a.first_transpose->order);
    return network.add_layer(LayerType::kSHUFFLE, {x}, a)->outputs[0];
}

inline graph::Tensor* reshape(graph::Network& network, graph::Tensor* x, std::vector<std::int64_t> dims) {
    graph::ShuffleAttributes a;
    a.reshape = std::move(dims);
    return network.add_layer(LayerType::kSHUFFLE, {x}, a)->outputs[0];
}

//! A range of one axis.
inline graph::Tensor* slice(graph::Network& network, graph::Tensor* x, std::vector<std::int64_t> start, std::vector<std::int64_t> size, std::vector<std::int64_t> step = {}) {
    graph::SliceAttributes a;
    a.stride = step.empty() ? std::vector<std::int64_t>(start.size(), 1) : std::move(step);
    a.start = std::move(start);
    a.size = std::move(size);
    return network.add_layer(LayerType::kSLICE, {x}, a)->outputs[0];
}

//! Of a [.., k] and constants [k, n].
inline graph::Tensor* product(graph::Network& network, graph::Tensor* a, std::int64_t k, std::int64_t n, float weight) {
    auto* b = network.add_constant({k, n}, floats(std::vector<float>(static_cast<std::size_t>(k * n), weight)));
    return network.add_layer(LayerType::kMATRIX_MULTIPLY, {a, b}, graph::MatrixMultiplyAttributes{})->outputs[0];
}

//! The largest of 2 x 2.
inline graph::Tensor* pooled(graph::Network& network, graph::Tensor* x) {
    graph::PoolingAttributes pooling;
    pooling.geometry.window = pooling.geometry.stride = {2, 2};
    return network.add_layer(LayerType::kPOOLING, {x}, pooling)->outputs[0];
}
inline graph::Tensor* concatenation(graph::Network& network, std::vector<graph::Tensor*> parts, std::int64_t axis) {
    return network.add_layer(LayerType::kCONCATENATION, std::move(parts), graph::ConcatenationAttributes{axis})->outputs[0];
}

} // namespace tensorvk::test
