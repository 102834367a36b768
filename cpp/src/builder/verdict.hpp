// Whether a candidate computes what the generic candidate computes.
#pragma once

#include <span>
#include <string>

#include "kernels/host/tensor.hpp"

namespace tensorvk::builder {

struct Verdict {
    bool correct = true;
    float error = 0.0f;  // largest difference, relative to the reference's largest magnitude; infinity where only one side is NaN
    std::string refusal; // why it is dropped; empty when correct
};

//! What a value on the way may be rounded to, whatever the type of the result.
enum class OnTheWay { kEXACT, kHALF, kBFLOAT };

//! Largest error, relative to the reference's largest magnitude, that two correct kernels may differ by; integers must be equal.
[[nodiscard]] float allowed_error(DataType dtype, OnTheWay rounded);

//! Compares output by output; the lists are of the same types and sizes.
[[nodiscard]] Verdict compare(std::span<const kernels::host::Tensor> results, std::span<const kernels::host::Tensor> reference,
                              OnTheWay rounded = OnTheWay::kEXACT);

} // namespace tensorvk::builder
