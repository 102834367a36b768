// Facts about element types: size, name, conversion of one element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tensorvk/types.h"

namespace tensorvk {

//! Bytes of one element. Types that are packed below a byte (INT4) are refused with Unsupported.
[[nodiscard]] std::size_t dtype_size(DataType type);

//! numpy's name: "float32", "float16", "int8", ...
[[nodiscard]] std::string_view dtype_name(DataType type) noexcept;

[[nodiscard]] bool is_floating(DataType type) noexcept;
//! HALF or BF16: what activations may be stored as instead of FLOAT.
[[nodiscard]] bool is_short_float(DataType type) noexcept;
//! INT8 or UINT8: what quantized numbers are.
[[nodiscard]] bool is_byte(DataType type) noexcept;

//! Round to nearest even; overflow goes to infinity, NaN stays NaN.
[[nodiscard]] std::uint16_t float_to_half(float value) noexcept;
[[nodiscard]] float half_to_float(std::uint16_t bits) noexcept;
[[nodiscard]] std::uint16_t float_to_bfloat16(float value) noexcept;
[[nodiscard]] float bfloat16_to_float(std::uint16_t bits) noexcept;

} // namespace tensorvk
