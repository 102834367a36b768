// Vectors of one number, with which extents are computed: what is constant stays a constant.
#pragma once

#include <string_view>
#include <vector>

#include "onnx/build.hpp"

namespace tensorvk::onnx {

//! Element `index` of a vector.
[[nodiscard]] graph::Tensor* element(Build& build, graph::Tensor* vector, std::int64_t index);
[[nodiscard]] graph::Tensor* sum(Build& build, graph::Tensor* left, graph::Tensor* right, std::string_view role);
//! One vector of all.
[[nodiscard]] graph::Tensor* joined(Build& build, const std::vector<graph::Tensor*>& parts);

} // namespace tensorvk::onnx
