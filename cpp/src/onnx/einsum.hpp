// Einstein summation as a matrix product, where it is one.
#pragma once

#include <string_view>

#include "onnx/build.hpp"

namespace tensorvk::onnx {

//! Null where the equation is no product of two tensors of known structure (other numbers of operands, letters that occur twice in one, extents
//! that repeat, integers): then it is for the operator. The result is the node's own layer.
[[nodiscard]] graph::Tensor* einsum_by_product(Build& build, std::string_view equation, graph::Tensor* a, graph::Tensor* b);

} // namespace tensorvk::onnx
