// Network definition -> compiler graph: every layer becomes one or a few operations. Layers that only compute with shapes disappear: their
// results are expressions already.
#pragma once

#include "compiler/ir.hpp"
#include "graph/network.hpp"

namespace tensorvk::compiler {

//! Throws Unsupported naming the layer when it has no operation.
[[nodiscard]] Ir from_network(const graph::Network& network);

} // namespace tensorvk::compiler
