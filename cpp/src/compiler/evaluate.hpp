// The host reference of an operation, on constants.
#pragma once

#include <optional>
#include <span>

#include "compiler/ir.hpp"

namespace tensorvk::compiler {

//! The only output's data (row-major, in the value's type, moved floats in the constant's), or nothing when the operation writes a part of a value (concatenation) or is
//! better left to the device. All inputs and operands have to be constants.
[[nodiscard]] std::optional<kernels::host::Tensor> evaluate(const Ir& ir, const Op& op);
//! The same for all operations that write one value in parts.
[[nodiscard]] std::optional<kernels::host::Tensor> joined(const Ir& ir, std::span<const Op* const> parts);

} // namespace tensorvk::compiler
