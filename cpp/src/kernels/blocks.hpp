// Second factors of matrix products whose numbers have 4 or 8 bits: neighbours along the depth share a scale and a zero point. How they lie in a plan
// and in a device's memory; shaders/matrix/blocks.glsl reads the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tensorvk::kernels {

//! number = (code - zero point) * scale, codes and zero points without a sign. One buffer of 32-bit words holds, one behind the other,
//! codes [unit of the depth][column], a unit being 16 bytes of neighbours along the depth, the first in the lowest bits;
//! scales [block][column], as floats or as pairs of halves;
//! zero points [block][column], bytes, where `zero` does not say all of them.
//! Columns are padded to a multiple of four, the depth to whole units with numbers that are 0.
struct BlockFormat {
    static constexpr std::int64_t kStep = 16; // blocks are multiples of that
    std::int64_t depth = 0, columns = 0;
    std::int64_t block = 0; // neighbours along the depth that share a scale; 0: all
    std::int32_t bits = 4;  // or 8
    std::int32_t zero = 0;  // of all blocks; -1: each has its own
    bool half_scales = false;
    bool operator==(const BlockFormat&) const = default;

    [[nodiscard]] std::int64_t unit() const { return 128 / bits; }
    [[nodiscard]] std::int64_t units() const { return (depth + unit() - 1) / unit(); }
    [[nodiscard]] std::int64_t block_depth() const { return block > 0 ? block : depth; }
    [[nodiscard]] std::int64_t blocks() const { return (depth + block_depth() - 1) / block_depth(); }
    [[nodiscard]] std::int64_t stride() const { return (columns + 3) / 4 * 4; }
    [[nodiscard]] std::int64_t first_scale() const { return 4 * units() * stride(); }
    [[nodiscard]] std::int64_t first_zero() const { return first_scale() + blocks() * stride() / (half_scales ? 2 : 1); }
    [[nodiscard]] std::int64_t words() const { return first_zero() + (zero < 0 ? blocks() * stride() / 4 : 0); }

    [[nodiscard]] float scale_at(std::span<const std::uint32_t> words, std::int64_t block_index, std::int64_t column) const;
    [[nodiscard]] std::int32_t zero_at(std::span<const std::uint32_t> words, std::int64_t block_index, std::int64_t column) const;
};

//! What is packed: codes [depth][columns], scales and zero points [block][column].
struct BlockNumbers {
    std::vector<std::uint8_t> codes;
    std::vector<float> scales;
    std::vector<std::uint8_t> zeros;
};

//! `format` with all that is left to choose, `zero` and `half_scales`, chosen for the fewest words.
[[nodiscard]] BlockFormat smallest_format(BlockFormat format, const BlockNumbers& numbers);
[[nodiscard]] std::vector<std::uint32_t> packed_blocks(const BlockFormat& format, const BlockNumbers& numbers);

} // namespace tensorvk::kernels
