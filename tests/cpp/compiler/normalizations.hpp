// A normalisation of rows as exporters spell it out.
#pragma once

#include "compiler/networks.hpp"

namespace tensorvk::test {

inline graph::Tensor* mean(graph::Network& network, graph::Tensor* x) {
    const std::uint32_t last = 1u << (x->dims.size() - 1);
    return network.add_layer(LayerType::kREDUCE, {x}, graph::ReduceAttributes{ReduceOperation::kAVG, last, true})->outputs[0];
}

inline graph::Tensor* unary(graph::Network& network, graph::Tensor* x, UnaryOperation op) { return network.add_layer(LayerType::kUNARY, {x}, graph::UnaryAttributes{op})->outputs[0]; }

inline graph::Tensor* number(graph::Network& network, const graph::Tensor* like, float value) {
    return network.add_constant(std::vector<std::int64_t>(like->dims.size(), 1), floats({value}));
}

struct Parts {
    graph::Tensor *mean, *difference, *deviation, *quotient;
};

//! (x - mean) / sqrt(variance + epsilon)
inline Parts normalize(graph::Network& network, graph::Tensor* x, ElementWiseOperation joins = ElementWiseOperation::kDIV) {
    Parts p{};
    p.mean = mean(network, x);
    p.difference = elementwise(network, x, p.mean, ElementWiseOperation::kSUB);
    graph::Tensor* variance = mean(network, elementwise(network, p.difference, p.difference, ElementWiseOperation::kPROD));
    p.deviation = unary(network, elementwise(network, variance, number(network, variance, 1e-5f), ElementWiseOperation::kSUM), UnaryOperation::kSQRT);
    if (joins == ElementWiseOperation::kPROD) p.deviation = unary(network, p.deviation, UnaryOperation::kRECIP);
    p.quotient = elementwise(network, p.difference, p.deviation, joins);
    return p;
}

} // namespace tensorvk::test
