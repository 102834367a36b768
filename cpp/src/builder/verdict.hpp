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

//! Largest error, relative to the reference's largest magnitude, that two correct kernels may differ by; integers must be equal.
//! `rounds_to_half`: a value on the way was rounded to float16, whatever the type of the result.
[[nodiscard]] float allowed_error(DataType dtype, bool rounds_to_half);

//! Compares output by output; the lists are of the same types and sizes.
[[nodiscard]] Verdict compare(std::span<const kernels::host::Tensor> results, std::span<const kernels::host::Tensor> reference,
                              bool rounds_to_half = false);

} // namespace tensorvk::builder
