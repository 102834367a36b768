// Numbers that describe windows: shared by layers, host references and tactics. Spatial axes in order (depth,) height, width.
#pragma once

#include <cstdint>
#include <vector>

namespace tensorvk::kernels {

//! Convolution and transposed convolution. Weights: [out, in / groups, kernel...] (transposed: [in, out / groups, kernel...]).
struct ConvGeometry {
    std::vector<std::int64_t> kernel, stride, dilation, pre, post; // one entry per spatial axis
    std::int64_t groups = 1;
    auto operator<=>(const ConvGeometry&) const = default;
};

struct PoolGeometry {
    enum class Op : std::uint8_t { kMAX = 0, kAVERAGE = 1 };
    Op op = Op::kMAX;
    std::vector<std::int64_t> window, stride, dilation, pre, post;
    bool ceil = false;              // output size rounds up
    bool exclude_padding = true;    // average over real elements only
    auto operator<=>(const PoolGeometry&) const = default;
};

} // namespace tensorvk::kernels
