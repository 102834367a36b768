// Fourier transforms, windows, text and pictures.
#include <array>

#include "graph/operators.hpp"

namespace tensorvk::graph {

namespace {

constexpr std::array<OperatorRule, 0> kRules{};

} // namespace

std::span<const OperatorRule> signal_rules() { return kRules; }

} // namespace tensorvk::graph
