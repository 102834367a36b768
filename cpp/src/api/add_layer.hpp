// How the network's add functions make layers and their wrappers.
#pragma once

#include <utility>
#include <vector>

#include "api/network_state.hpp"

namespace tensorvk::api {

//! Adds a layer and gives its wrapper; `make_candidates` may throw as well. Null, after logging, when it does not fit.
template <typename Wrapper, typename MakeCandidates>
Wrapper* add(NetworkState& network, LayerType type, const std::vector<const ITensor*>& inputs, MakeCandidates&& make_candidates) {
    return guarded(network.reporter(), static_cast<Wrapper*>(nullptr), [&] {
        std::vector<graph::Tensor*> nodes;
        for (const ITensor* input : inputs) {
            nodes.push_back(input == nullptr ? nullptr : Access::node(*input));
        }
        return static_cast<Wrapper*>(network.wrap(network.add(type, std::move(nodes), make_candidates())));
    });
}

//! For attributes that no later setter could make valid.
inline auto only(graph::Attributes attributes) {
    return [attributes = std::move(attributes)] { return std::vector<graph::Attributes>{attributes}; };
}

} // namespace tensorvk::api
