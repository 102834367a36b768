// Copies of strided regions in plain host code: transpose, slice, expand, pad, one part of a concatenation.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/host/tensor.hpp"

namespace tensorvk::kernels::host {

//! Source index along input axis a of region index i: start[a] + sum over region axes o with axis_of[o] == a of stride[o] * i[o].
struct CopyRegion {
    std::vector<std::int32_t> axis_of; // per region axis: input axis, or -1
    std::vector<std::int64_t> start;   // per input axis
    std::vector<std::int64_t> stride;  // per region axis
    std::vector<std::int64_t> extent;  // per region axis
    SampleMode outside = SampleMode::kSTRICT_BOUNDS; // throws InvalidArgument when the source is left
    double fill = 0.0;
};

//! target[offset + i] = source[index(i)] for all i of the region. Element types are equal.
void copy_region(const Tensor& source, const CopyRegion& region, Tensor& target, const std::vector<std::int64_t>& offset);

//! A new tensor of the region's extent.
[[nodiscard]] Tensor copy_region(const Tensor& source, const CopyRegion& region);

//! out[o, k, i] = data[o, indices[k], i]; negative indices count from the end, others outside throw InvalidArgument.
[[nodiscard]] Tensor gather(const Tensor& data, const Tensor& indices, std::int64_t axis);

} // namespace tensorvk::kernels::host
