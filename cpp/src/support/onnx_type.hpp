// ONNX's numbers for element types (TensorProto.DataType), as attributes carry them: "dtype", "to".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensorvk/types.h"

namespace tensorvk {

// Those that constants alone have.
inline constexpr std::int64_t kOnnxUint4 = 21, kOnnxInt4 = 22;

//! The network's type for ONNX's number; nothing when there is none. double is float32 in a network.
[[nodiscard]] std::optional<DataType> onnx_type(std::int64_t number) noexcept;
//! "double", "float8e4m3fn", ...; "number 99" for one that ONNX does not know.
[[nodiscard]] std::string onnx_type_name(std::int64_t number);
//! ONNX's number for a type. Throws Unsupported for a type that tensors of a network do not have.
[[nodiscard]] std::int64_t onnx_number(DataType type);

} // namespace tensorvk
