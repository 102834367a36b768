// Shapes of windows that slide over the spatial axes of [N, C, spatial...] tensors, from ONNX's attributes.
#pragma once

#include <vector>

#include "graph/rules.hpp"

namespace tensorvk::graph {

//! Extents of x's spatial axes after a window of `kernel` has slid over them: strides, dilations, pads, auto_pad, ceil_mode.
[[nodiscard]] shape::Exprs windowed_extents(RuleContext& context, const shape::Exprs& x, const shape::Exprs& kernel);
//! Attribute kernel_shape, which has to be there.
[[nodiscard]] shape::Exprs kernel_shape(RuleContext& context);
//! Result of a convolution of x [N, C, spatial...] with w [M, C / group, spatial...].
[[nodiscard]] shape::Exprs convolved_dims(RuleContext& context, const Tensor& x, const Tensor& w);
//! [N, C, windowed spatial axes...].
[[nodiscard]] shape::Exprs pooled_dims(RuleContext& context, const shape::Exprs& x);
//! A list attribute with one number per axis, each at least `smallest`; `otherwise` when it is absent.
[[nodiscard]] std::vector<std::int64_t> per_axis(RuleContext& context, const char* name, std::size_t count, std::int64_t otherwise,
                                                 std::int64_t smallest);

} // namespace tensorvk::graph
