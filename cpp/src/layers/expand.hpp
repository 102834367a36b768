// From a network as TensorRT's API describes it to one of layers that the compiler knows: what boundary layers enclose becomes the body of
// a layer that runs networks, and composite layers become the layers and operators that they are made of.
#pragma once

#include <memory>

#include "graph/network.hpp"

namespace tensorvk::layers {

//! A network with the same inputs and outputs; null where there is nothing to expand. Throws InvalidArgument with a sentence that names the
//! loop, conditional or layer that is not complete.
[[nodiscard]] std::shared_ptr<const graph::Network> expand(const graph::Network& network);

} // namespace tensorvk::layers
