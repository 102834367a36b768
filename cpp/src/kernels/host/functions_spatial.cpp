// Windows, sampling and regions of images.
#include <array>

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

namespace {

constexpr std::array<Function, 0> kFunctions{};

} // namespace

std::span<const Function> spatial_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
