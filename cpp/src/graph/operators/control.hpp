// The shape rule of layers that run networks.
#pragma once

#include <vector>

#include "graph/rules.hpp"

namespace tensorvk::graph {

//! If, Loop and Scan (ControlAttributes).
[[nodiscard]] std::vector<Inferred> control_rule(RuleContext& context);

} // namespace tensorvk::graph
