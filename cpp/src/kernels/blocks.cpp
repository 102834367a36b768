#include "kernels/blocks.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "support/dtype.hpp"

namespace tensorvk::kernels {

namespace {

//! Smaller ones some devices read as 0.
constexpr float kLeastHalf = 0x1p-14F;

bool is_half(float number) { return (number == 0.0F || std::abs(number) >= kLeastHalf) && half_to_float(float_to_half(number)) == number; }

//! One element of `bits` bits, which were 0.
void put(std::vector<std::uint32_t>& words, std::int64_t first, std::int64_t at, std::int64_t bits, std::uint32_t value) {
    words[static_cast<std::size_t>(first + at * bits / 32)] |= value << (at * bits % 32);
}

} // namespace

float BlockFormat::scale_at(std::span<const std::uint32_t> words, std::int64_t block_index, std::int64_t column) const {
    const std::int64_t at = block_index * stride() + column;
    if (!half_scales) return std::bit_cast<float>(words[static_cast<std::size_t>(first_scale() + at)]);
    return half_to_float(static_cast<std::uint16_t>(words[static_cast<std::size_t>(first_scale() + at / 2)] >> (16 * (at % 2))));
}

std::int32_t BlockFormat::zero_at(std::span<const std::uint32_t> words, std::int64_t block_index, std::int64_t column) const {
    const std::int64_t at = block_index * stride() + column;
    return zero >= 0 ? zero : static_cast<std::int32_t>(words[static_cast<std::size_t>(first_zero() + at / 4)] >> (8 * (at % 4)) & 255U);
}

BlockFormat smallest_format(BlockFormat format, const BlockNumbers& numbers) {
    const bool same = std::ranges::all_of(numbers.zeros, [&](std::uint8_t zero) { return zero == numbers.zeros.front(); });
    format.zero = same && !numbers.zeros.empty() ? numbers.zeros.front() : -1;
    format.half_scales = std::ranges::all_of(numbers.scales, is_half);
    return format;
}

std::vector<std::uint32_t> packed_blocks(const BlockFormat& format, const BlockNumbers& numbers) {
    std::vector<std::uint32_t> words(static_cast<std::size_t>(format.words()));
    const auto at = [&](std::int64_t row, std::int64_t column) { return static_cast<std::size_t>(row * format.columns + column); };
    for (std::int64_t block = 0; block < format.blocks(); ++block) {
        for (std::int64_t column = 0; column < format.columns; ++column) {
            const float scale = numbers.scales[at(block, column)];
            const std::int64_t place = block * format.stride() + column;
            put(words, format.first_scale(), place, format.half_scales ? 16 : 32, format.half_scales ? float_to_half(scale) : std::bit_cast<std::uint32_t>(scale));
            if (format.zero < 0) put(words, format.first_zero(), place, 8, numbers.zeros[at(block, column)]);
        }
    }
    const std::int64_t padded = format.units() * format.unit();
    for (std::int64_t k = 0; k < padded; ++k) {
        const std::int64_t block = std::min(k / format.block_depth(), format.blocks() - 1);
        for (std::int64_t column = 0; column < format.columns; ++column) {
            const std::uint8_t code = k < format.depth ? numbers.codes[at(k, column)] : numbers.zeros[at(block, column)];
            put(words, 4 * (k / format.unit() * format.stride() + column), k % format.unit(), format.bits, code);
        }
    }
    return words;
}

} // namespace tensorvk::kernels
