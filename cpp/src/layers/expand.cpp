#include "layers/expand.hpp"

#include <algorithm>

#include "layers/composites.hpp"
#include "layers/level.hpp"

namespace tensorvk::layers {

namespace {

bool needs_expansion(const Network& network) {
    return std::any_of(network.layers().begin(), network.layers().end(), [](const auto& layer) {
        return construct_of(*layer) != nullptr || find_expansion(*layer) != nullptr;
    });
}

void copy_inputs(const Network& network, Level& level) {
    for (const Tensor* input : network.inputs()) {
        const Dims dims = network.dims(*input);
        Tensor* copy = level.target().add_input(input->name, input->dtype, std::span(dims.d, static_cast<std::size_t>(dims.nbDims)),
                                                input->dimension_names);
        level.adopt(*input, copy);
    }
}

} // namespace

std::shared_ptr<const graph::Network> expand(const Network& network) {
    if (!needs_expansion(network)) {
        return nullptr;
    }
    const Scopes scopes(network);
    auto target = std::make_shared<Network>();
    target->name = network.name;
    Level level(scopes, *target);
    copy_inputs(network, level);
    for (const Layer* layer : scopes.order()) {
        const bool wanted = !layer->outputs.empty() && scopes.owner(*layer) == nullptr;
        for (const Tensor* output : layer->outputs) {
            (void)(wanted ? level.get(output) : nullptr);
        }
    }
    level.emit_checks();
    for (const Tensor* output : network.outputs()) {
        Tensor* copy = level.get(output);
        copy->allowed_formats = output->allowed_formats;
        target->mark_output(copy);
    }
    return target;
}

} // namespace tensorvk::layers
