// Einstein summation as a matrix product, where it is one.
#pragma once

#include <string_view>
#include <vector>

#include "onnx/build.hpp"

namespace tensorvk::onnx {

//! Null where the equation is no product of two tensors of known structure (other numbers of operands, letters that occur twice in one, extents
//! that repeat, integers): then it is for the operator. The result is the node's own layer.
[[nodiscard]] graph::Tensor* einsum_by_product(Build& build, std::string_view equation, graph::Tensor* a, graph::Tensor* b);

//! Of two or more tensors, from the left: two become one, with the axes that the others or the result still need. Null as above.
[[nodiscard]] graph::Tensor* einsum_by_products(Build& build, std::string_view equation, const std::vector<graph::Tensor*>& operands);

} // namespace tensorvk::onnx
