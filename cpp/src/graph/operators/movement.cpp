// Elements moved to other places: slices, padding, triangles, with positions that may be data.
#include <array>

#include "graph/operators.hpp"

namespace tensorvk::graph {

namespace {

constexpr std::array<OperatorRule, 0> kRules{};

} // namespace

std::span<const OperatorRule> movement_rules() { return kRules; }

} // namespace tensorvk::graph
