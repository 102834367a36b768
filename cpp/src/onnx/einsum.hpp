// Einstein summation as matrix products, where it is that.
#pragma once

#include <string_view>
#include <vector>

#include "onnx/build.hpp"

namespace tensorvk::onnx {

//! Of two or more tensors, from the left. The result is the node's own layer. Null, and nothing is added, where the equation is no chain of products
//! (one operand, letters that occur twice in one, extents that repeat, integers): then it is for the operator.
[[nodiscard]] graph::Tensor* einsum_by_products(Build& build, std::string_view equation, const std::vector<graph::Tensor*>& operands);

} // namespace tensorvk::onnx
