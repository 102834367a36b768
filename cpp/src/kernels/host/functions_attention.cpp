// Attention and what belongs to it.
#include <array>

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

namespace {

constexpr std::array<Function, 0> kFunctions{};

} // namespace

std::span<const Function> attention_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
