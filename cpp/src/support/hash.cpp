#include "support/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tensorvk {

std::uint64_t hash64(std::span<const std::byte> bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

Digest128 digest128(std::span<const std::byte> bytes) noexcept {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
    Digest128 digest;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        digest[i] = canonical.digest[i];
    }
    return digest;
}

std::string to_hex(const Digest128& digest) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (const std::uint8_t byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

} // namespace tensorvk
