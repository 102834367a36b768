// Convolution and transposed convolution in plain host code: the reference that kernels are checked against, and
// constant folding.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/geometry.hpp"
#include "kernels/host/tensor.hpp"

namespace tensorvk::kernels::host {

//! Shape of the result for x [N, C, spatial...] and weights as in ConvGeometry. Throws InvalidArgument where they do
//! not fit together.
[[nodiscard]] std::vector<std::int64_t> convolution_dims(const std::vector<std::int64_t>& x,
                                                         const std::vector<std::int64_t>& weights,
                                                         const ConvGeometry& geometry);
[[nodiscard]] std::vector<std::int64_t> deconvolution_dims(const std::vector<std::int64_t>& x,
                                                           const std::vector<std::int64_t>& weights,
                                                           const ConvGeometry& geometry,
                                                           const std::vector<std::int64_t>& output_padding);

//! y = conv(x, weights) + bias, one to three spatial axes, sums in double. `bias` may be null; the result has x's type.
[[nodiscard]] Tensor convolution(const Tensor& x, const Tensor& weights, const Tensor* bias,
                                 const ConvGeometry& geometry);

//! The transposed convolution: every input element adds its weighted kernel to the output. `output_padding` may be
//! empty (zeros).
[[nodiscard]] Tensor deconvolution(const Tensor& x, const Tensor& weights, const Tensor* bias,
                                   const ConvGeometry& geometry, const std::vector<std::int64_t>& output_padding);

} // namespace tensorvk::kernels::host
