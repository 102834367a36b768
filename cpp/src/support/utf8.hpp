// Text from files: Python and ONNX want UTF-8, which any bytes need not be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tensorvk {

//! Bytes at the beginning of the text that are one character of UTF-8; 0 when they are none.
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
//! With '?' for each byte that belongs to no character.
[[nodiscard]] std::string as_utf8(std::string_view text);

} // namespace tensorvk
