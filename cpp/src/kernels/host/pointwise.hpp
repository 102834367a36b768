// Pointwise programs on tensors in plain host code.
#pragma once

#include <span>
#include <vector>

#include "kernels/host/tensor.hpp"
#include "kernels/pointwise_program.hpp"
#include "support/attributes.hpp"

namespace tensorvk::kernels::host {

//! Shape that results when shapes are broadcast against each other, as numpy does it. Throws InvalidArgument when they do not fit.
[[nodiscard]] std::vector<std::int64_t> broadcast_dims(std::span<const std::vector<std::int64_t>> shapes);

//! program(value; operands) element by element with broadcasting; the result is stored as `type`. Integers (value, operands and result)
//! are computed exactly in 64 bits where the program's operations allow it, everything else in double.
[[nodiscard]] Tensor pointwise(const PointwiseProgram& program, const Tensor& value, std::span<const Tensor* const> operands, DataType type);

//! The name of the host function that runs a program (inputs: the value, then the operands), and the program as its attributes.
inline constexpr const char* kPointwiseFunction = "Pointwise";
[[nodiscard]] AttributeSet pointwise_attributes(const PointwiseProgram& program, DataType type);

} // namespace tensorvk::kernels::host
