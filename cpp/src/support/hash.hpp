// Content hashes. XXH3 is not cryptographic: it detects damage and names content, it does not authenticate.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tensorvk {

using Digest128 = std::array<std::uint8_t, 16>;

[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> bytes) noexcept;
[[nodiscard]] Digest128 digest128(std::span<const std::byte> bytes) noexcept;
[[nodiscard]] std::string to_hex(const Digest128& digest);

} // namespace tensorvk
