// Windows, sampling and regions of images.
#include <array>

#include "graph/operators.hpp"

namespace tensorvk::graph {

namespace {

constexpr std::array<OperatorRule, 0> kRules{};

} // namespace

std::span<const OperatorRule> spatial_rules() { return kRules; }

} // namespace tensorvk::graph
