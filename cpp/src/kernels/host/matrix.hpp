// Matrix product in plain host code: the reference that kernels are checked against, and constant folding.
#pragma once

#include "kernels/host/tensor.hpp"

namespace tensorvk::kernels::host {

//! numpy's matmul of a [.., m, k] and b [.., k, n] with leading dimensions broadcast; `transpose_*` swaps an operand's
//! last two axes first. Both have rank 2 or more. `bias` (n elements, may be null) is added to every row. Sums in
//! double; the result has a's type.
[[nodiscard]] Tensor matrix_product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b,
                                    const Tensor* bias = nullptr);

} // namespace tensorvk::kernels::host
