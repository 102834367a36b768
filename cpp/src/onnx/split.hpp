// Split: one Slice layer for each part.
#pragma once

#include "onnx/context.hpp"

namespace tensorvk::onnx {

void split(NodeContext& node);

//! The parts of x along an axis end where it ends: `end` is the sum of their sizes, a vector of one number.
void require_whole(Build& build, graph::Tensor* x, std::size_t axis, graph::Tensor* end);

} // namespace tensorvk::onnx
