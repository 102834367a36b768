// Operations along axes in plain host code: reductions, softmax, top-k.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/host/tensor.hpp"

namespace tensorvk::kernels::host {

//! Along the axes set in `axes`, which are kept with extent 1 or dropped. Sums in double, integers exactly in 64 bits. The result has x's type.
[[nodiscard]] Tensor reduce(const Tensor& x, ReduceOperation op, std::uint32_t axes, bool keep_dims);

//! exp(x - max) / sum along one axis, or its logarithm.
[[nodiscard]] Tensor softmax(const Tensor& x, std::int64_t axis, bool log);

//! Values and their places (int32 or int64) of the k best elements along an axis, best first. NaN is the largest number, but with `nan_first` among the
//! smallest too. Equal elements come in the order of their places, or backwards with `select_last`. Throws InvalidArgument when k is larger than the axis.
[[nodiscard]] std::pair<Tensor, Tensor> topk(const Tensor& x, TopKOperation op, std::int64_t axis, std::int64_t k, bool select_last, DataType indices, bool nan_first = false);

//! The host function that is topk(): input x; attributes 'axis', 'k', 'smallest', 'select_last', 'nan_first', 'wide' (int64 indices), 'drop' (the axis, of
//! extent 1, is not there in the outputs).
inline constexpr const char* kTopKFunction = "TopKOfRows";

} // namespace tensorvk::kernels::host
