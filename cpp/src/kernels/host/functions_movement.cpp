// Elements moved to other places: slices, padding, triangles, with positions that may be data.
#include <array>

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

namespace {

constexpr std::array<Function, 0> kFunctions{};

} // namespace

std::span<const Function> movement_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
