// Gathering and scattering by index, order and position.
#include <array>

#include "graph/operators.hpp"

namespace tensorvk::graph {

namespace {

constexpr std::array<OperatorRule, 0> kRules{};

} // namespace

std::span<const OperatorRule> index_rules() { return kRules; }

} // namespace tensorvk::graph
