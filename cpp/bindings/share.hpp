// Tensors and layers as Python sees them: each keeps its network's insides alive, and the same node gives the same
// Python object.
#pragma once

#include "api/network_state.hpp"
#include "bindings.hpp"

namespace tensorvk::bindings {

template <typename Node>
std::shared_ptr<Node> share(Node* node) {
    return node == nullptr ? nullptr : std::shared_ptr<Node>(api::Access::state(*node).shared_from_this(), node);
}

} // namespace tensorvk::bindings
