// ONNX's numbers for element types (TensorProto.DataType), as attributes carry them: "dtype", "to".
#pragma once

#include <cstdint>
#include <optional>

#include "tensorvk/types.h"

namespace tensorvk {

//! The network's type for ONNX's number; nothing when there is none. double is float32 in a network.
[[nodiscard]] std::optional<DataType> onnx_type(std::int64_t number) noexcept;
//! ONNX's number for a type. Throws Unsupported for a type that tensors of a network do not have.
[[nodiscard]] std::int64_t onnx_number(DataType type);

} // namespace tensorvk
