#include "api/padding.hpp"

#include "api/attributes.hpp"

namespace tensorvk::api {

namespace {

void check(const graph::Tensor& input, const Padding& padding) {
    if (input.dims.size() < 2 || padding.pre.nbDims != 2 || padding.post.nbDims != 2) {
        throw InvalidArgument(text("Padding of tensor '", input.name,
                                   "' needs two numbers before and two behind (height, width) and an input of two "
                                   "or more dimensions; it has ",
                                   input.dims.size(), " and ", padding.pre.nbDims, " and ", padding.post.nbDims,
                                   " were given."));
    }
}

//! How much longer each dimension gets.
std::vector<std::int64_t> growth(std::size_t rank, const Padding& padding) {
    std::vector<std::int64_t> grow(rank, 0);
    for (std::size_t i = 0; i < 2; ++i) {
        grow[rank - 2 + i] = padding.pre.d[i] + padding.post.d[i];
    }
    return grow;
}

graph::Weights int64_weights(std::vector<std::int64_t> values) {
    const auto owner = std::make_shared<const std::vector<std::int64_t>>(std::move(values));
    return {DataType::kINT64, reinterpret_cast<const std::byte*>(owner->data()),
            static_cast<std::int64_t>(owner->size()), owner};
}

graph::SliceAttributes attributes_for(NetworkState& network, const graph::Tensor& input, const Padding& padding) {
    const std::size_t rank = input.dims.size();
    const Dims dims = network.graph().dims(input);
    graph::SliceAttributes slice;
    slice.mode = SampleMode::kFILL;
    slice.start.assign(rank, 0);
    slice.stride.assign(rank, 1);
    slice.size = growth(rank, padding);
    for (std::size_t i = 0; i < rank; ++i) {
        slice.size[i] += dims.d[i];
    }
    for (std::size_t i = 0; i < 2; ++i) {
        slice.start[rank - 2 + i] = -padding.pre.d[i];
    }
    return slice;
}

bool is_dynamic(NetworkState& network, const graph::Tensor& input) {
    const Dims dims = network.graph().dims(input);
    return std::ranges::any_of(view(dims), [](std::int64_t d) { return d < 0; });
}

} // namespace

IPaddingLayer* add_padding(NetworkState& network, graph::Tensor* input, const Padding& padding) {
    check(*input, padding);
    graph::Network& graph = network.graph();
    std::vector<graph::Tensor*> inputs{input};
    if (is_dynamic(network, *input)) {
        const auto rank = static_cast<std::int64_t>(input->dims.size());
        graph::Tensor* shape = graph.add_layer(LayerType::kSHAPE, {input}, graph::NoAttributes{})->outputs[0];
        graph::Tensor* grow = graph.add_constant({rank}, int64_weights(growth(input->dims.size(), padding)));
        graph::Tensor* size = graph
                                  .add_layer(LayerType::kELEMENTWISE, {shape, grow},
                                             graph::ElementWiseAttributes{ElementWiseOperation::kSUM})
                                  ->outputs[0];
        inputs = {input, nullptr, size};
    }
    graph::Layer* slice = graph.add_layer(LayerType::kSLICE, inputs, attributes_for(network, *input, padding));
    return network.wrap_as<IPaddingLayer>(*slice, LayerType::kPADDING);
}

Padding padding_of(const IPaddingLayer& layer) {
    const graph::Layer& node = Access::node(layer);
    const auto& slice = std::get<graph::SliceAttributes>(node.attributes);
    const Dims dims = Access::state(layer).graph().dims(*node.inputs[0]);
    const std::size_t rank = slice.start.size();
    Padding padding{Dims2(), Dims2()};
    for (std::size_t i = 0; i < 2; ++i) {
        padding.pre.d[i] = -slice.start[rank - 2 + i];
        padding.post.d[i] = slice.size[rank - 2 + i] - dims.d[rank - 2 + i] - padding.pre.d[i];
    }
    return padding;
}

void set_padding(IPaddingLayer& layer, const Padding& padding) {
    graph::Layer& node = Access::node(layer);
    NetworkState& network = Access::state(layer);
    succeeds(network.reporter(), [&] {
        const graph::Tensor& input = *node.inputs[0];
        check(input, padding);
        if (node.inputs.size() > 2) { // the dynamic size is computed from a constant
            graph::Layer& constant = *node.inputs[2]->producer->inputs[1]->producer;
            network.edit(constant, [&] {
                std::get<graph::ConstantAttributes>(constant.attributes).weights =
                    int64_weights(growth(input.dims.size(), padding));
            });
        }
        network.edit(node, [&] { node.attributes = attributes_for(network, input, padding); });
    });
}

} // namespace tensorvk::api
