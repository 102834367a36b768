// What convolution, deconvolution and pooling share: checks of window attributes and the extent of a windowed axis.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/rules.hpp"

namespace tensorvk::graph::rules {

//! The attribute vectors of a window, by reference: rules fill in what was left empty and SAME padding.
struct Window {
    const std::vector<std::int64_t>& size;
    std::vector<std::int64_t>&stride, &dilation, &pre, &post;
    PaddingMode mode;
};

//! Fills empty vectors with their defaults and checks lengths and ranges. Returns the number of spatial axes.
std::size_t check_window(RuleContext& context, const Window& window, const Tensor& x);
//! Writes the padding that SAME_UPPER and SAME_LOWER stand for. It depends on the extent unless the stride is 1.
void resolve_same_padding(RuleContext& context, const Window& window, const Tensor& x);
//! Extent of spatial axis `i` after the window has slid over it.
[[nodiscard]] shape::Expr windowed_extent(RuleContext& context, const Window& window, const Tensor& x, std::size_t i);
//! Fails unless the extent is symbolic or at least 1.
void require_not_empty(RuleContext& context, shape::Expr extent, const Tensor& x, std::size_t axis);

} // namespace tensorvk::graph::rules
