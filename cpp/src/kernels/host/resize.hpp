// Resizing in plain host code: the reference that kernels are checked against.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/host/tensor.hpp"

namespace tensorvk::kernels::host {

struct ResizeRules {
    InterpolationMode mode = InterpolationMode::kNEAREST;
    ResizeCoordinateTransformation coordinates = ResizeCoordinateTransformation::kASYMMETRIC;
    ResizeSelector selector = ResizeSelector::kFORMULA; // kUPPER: a single output element reads source 0
    ResizeRoundMode rounding = ResizeRoundMode::kFLOOR;
    bool exclude_outside = false; // cubic: taps outside have no weight, instead of the border's value
    float cubic_coeff = -0.75f;
    std::vector<float> scales; // one per dimension; empty: output / input
};

//! x at the shape `dims`, any axes. The result has x's type.
[[nodiscard]] Tensor resize(const Tensor& x, const std::vector<std::int64_t>& dims, const ResizeRules& rules);

} // namespace tensorvk::kernels::host
