// The second factor of a product as tiles.hpp reads it: panels of neighbouring columns, one after the other.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/cpu/chunk.hpp"
#include "kernels/cpu/scratch.hpp"
#include "kernels/cpu/tiles.hpp"

namespace tensorvk::kernels::cpu {

[[nodiscard]] constexpr std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

//! 8-bit integers of either sign as one: int8 with its upper bit turned over is uint8 plus 128, and so is its zero point.
struct Bytes {
    std::uint8_t flip = 0;
    std::int32_t zero = 0;

    Bytes() = default;
    Bytes(Word type, std::int32_t zero_point) : flip(type == Word::kI8 ? 0x80 : 0), zero(zero_point + flip) {}
    [[nodiscard]] std::int16_t number(std::uint8_t byte) const { return static_cast<std::int16_t>(static_cast<std::int32_t>(byte ^ flip) - zero); }
};

//! `count` elements, `stride` apart, as what is multiplied.
inline void widen(const float* from, std::int64_t stride, std::int64_t count, const Bytes&, float* out) {
    if (stride == 1) {
        std::memcpy(out, from, sizeof(float) * static_cast<std::size_t>(count));
    } else {
        for (std::int64_t i = 0; i < count; ++i) out[i] = from[i * stride];
    }
}
inline void widen(const std::uint8_t* __restrict from, std::int64_t stride, std::int64_t count, Bytes bytes, std::int16_t* __restrict out) {
    if (stride == 1) {
        for (std::int64_t i = 0; i < count; ++i) out[i] = bytes.number(from[i]);
    } else {
        for (std::int64_t i = 0; i < count; ++i) out[i] = bytes.number(from[i * stride]);
    }
}

//! A second factor where it lies: element (k, column) is `row(k) + column * stride` elements from `data`.
template <typename A>
struct SecondFactor {
    const std::byte* data = nullptr;
    std::int64_t stride = 1;
    Word type = Word::kF32; // float32 or float16; of integers the bytes say it
    Bytes bytes;

    void read(std::int64_t first, std::int64_t count, typename A::In* out) const {
        if constexpr (std::is_same_v<A, Floats>) {
            chunks<float>().load(type, data + first * bytes_of(type), stride, static_cast<int>(count), out);
        } else {
            widen(reinterpret_cast<const std::uint8_t*>(data) + first, stride, count, bytes, out);
        }
    }
};

//! The panels of some columns.
template <typename A>
struct Panels {
    std::int64_t depth = 0, columns = 0;

    [[nodiscard]] std::int64_t padded_depth() const { return round_up(depth, A::kStep); }
    [[nodiscard]] std::int64_t count() const { return (columns + tiles<A>().width - 1) / tiles<A>().width; }
    //! Columns of a panel, padding included.
    [[nodiscard]] std::int64_t width(std::int64_t panel) const {
        return std::min(tiles<A>().width, round_up(columns - panel * tiles<A>().width, tiles<A>().lanes));
    }
    [[nodiscard]] std::int64_t columns_of(std::int64_t panel) const { return std::min(tiles<A>().width, columns - panel * tiles<A>().width); }
    [[nodiscard]] std::int64_t offset(std::int64_t panel) const { return panel * tiles<A>().width * padded_depth(); }
    [[nodiscard]] std::int64_t numbers() const { return count() == 0 ? 0 : offset(count() - 1) + width(count() - 1) * padded_depth(); }

    //! `row(k)`: where in the factor row k begins.
    template <typename Row>
    void pack(const SecondFactor<A>& from, std::int64_t panel, const Row& row, typename A::In* to) const {
        const std::int64_t first = panel * tiles<A>().width, there = columns_of(panel), wide = width(panel);
        for (std::int64_t k = 0; k < padded_depth(); k += A::kStep) {
            std::array<std::array<typename A::In, kWidestPanel>, A::kStep> lines{};
            for (std::int64_t j = 0; j < A::kStep && k + j < depth; ++j) {
                from.read(row(k + j) + first * from.stride, there, lines[static_cast<std::size_t>(j)].data());
            }
            for (std::size_t c = 0; c < static_cast<std::size_t>(wide); ++c) {
                for (const auto& line : lines) *to++ = line[c];
            }
        }
    }
};

//! Rows that lie `stride` apart, `depth` numbers each.
template <typename A>
struct FirstFactor {
    const typename A::In* data = nullptr;
    std::int64_t stride = 0, rows = 0;
};

//! Sums of rows times a panel whose columns begin at `c`; `start` belongs to all columns.
template <typename A>
void multiply(const FirstFactor<A>& a, const Panels<A>& panels, std::int64_t panel, const typename A::In* packed, const typename A::Sum* start,
              typename A::Sum* c, std::int64_t c_stride) {
    tiles<A>().multiply({.a = a.data,
                         .a_stride = a.stride,
                         .depth = panels.padded_depth(),
                         .b = packed,
                         .b_stride = panels.width(panel) * A::kStep,
                         .start = start == nullptr ? nullptr : start + panel * tiles<A>().width,
                         .c = c,
                         .c_stride = c_stride,
                         .rows = a.rows,
                         .columns = panels.columns_of(panel)});
}

} // namespace tensorvk::kernels::cpu
