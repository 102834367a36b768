// Pooling in plain host code: the reference that kernels are checked against.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/geometry.hpp"
#include "kernels/host/tensor.hpp"

namespace tensorvk::kernels::host {

//! Shape of the result for x [N, C, spatial...]. Rounding up keeps no window that begins beyond the input and its padding in front.
[[nodiscard]] std::vector<std::int64_t> pooling_dims(const std::vector<std::int64_t>& x, const PoolGeometry& geometry);

//! Averages are sums in double; the result has x's type.
[[nodiscard]] Tensor pooling(const Tensor& x, const PoolGeometry& geometry);

} // namespace tensorvk::kernels::host
