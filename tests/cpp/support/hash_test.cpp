#include "support/hash.hpp"

#include <cstddef>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace tensorvk {
namespace {

std::vector<std::byte> counting(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 37);
    return bytes;
}

// Lengths on both sides of XXH3's internal limits.
TEST(Hash, EverySingleBitChangesTheDigest) {
    for (const std::size_t size : {1U, 16U, 17U, 128U, 129U, 240U, 241U, 1025U}) {
        std::vector<std::byte> bytes = counting(size);
        const Digest128 whole = digest128(bytes);
        for (std::size_t bit = 0; bit < size * 8; ++bit) {
            const std::byte mask{static_cast<unsigned char>(1U << (bit % 8))};
            bytes[bit / 8] ^= mask;
            ASSERT_NE(digest128(bytes), whole) << "bit " << bit << " of " << size << " bytes";
            bytes[bit / 8] ^= mask;
        }
        EXPECT_EQ(digest128(bytes), whole);
    }
}

TEST(Hash, LengthCounts) {
    const std::vector<std::byte> zeros(3);
    EXPECT_NE(hash64(std::span(zeros).first(2)), hash64(zeros));
    EXPECT_NE(digest128({}), digest128(std::span(zeros).first(1)));
}

// Plans and timing caches on disk hold these numbers: they must not change between versions or machines.
TEST(Hash, TheHashOfNothingIsWhatXxh3SaysItIs) {
    EXPECT_EQ(hash64({}), 0x2d06800538d394c2ULL);
    EXPECT_EQ(to_hex(digest128({})).size(), 32U);
}

} // namespace
} // namespace tensorvk
