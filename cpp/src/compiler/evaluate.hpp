// The host reference of an operation, on constants.
#pragma once

#include <optional>

#include "compiler/ir.hpp"

namespace tensorvk::compiler {

//! The only output's data (in the value's type, row-major), or nothing when the operation writes a part of a value (concatenation) or is
//! better left to the device. All inputs and operands have to be constants.
[[nodiscard]] std::optional<kernels::host::Tensor> evaluate(const Ir& ir, const Op& op);

} // namespace tensorvk::compiler
