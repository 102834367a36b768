// Products of matrices, a tile of the result in registers at a time. Compiled once for each instruction set; tiles() is the best that this
// processor has.
#pragma once

#include <cstdint>

namespace tensorvk::kernels::cpu {

//! What a product is computed in. kStep numbers of the depth go together.
struct Floats {
    using Source = float; // in the step's buffers
    using In = float;     // what is multiplied
    using Sum = float;
    static constexpr std::int64_t kStep = 1;
};
//! 8-bit integers less their zero points; pairs of products are added exactly, sums wrap.
struct Integers {
    using Source = std::uint8_t; // int8 with the upper bit turned over, see Bytes
    using In = std::int16_t;
    using Sum = std::int32_t;
    static constexpr std::int64_t kStep = 2;
};

//! Some rows of a times one panel of b: neighbouring columns, side by side for each step of the depth, kStep numbers of each column together.
template <typename A>
struct TileTask {
    const typename A::In* a = nullptr;
    std::int64_t a_stride = 0; // between rows
    std::int64_t depth = 0;    // a multiple of kStep
    const typename A::In* b = nullptr;
    std::int64_t b_stride = 0;             // between steps; columns are there up to a multiple of `lanes`
    const typename A::Sum* start = nullptr; // what the sum of each column begins with; null: 0
    typename A::Sum* c = nullptr;
    std::int64_t c_stride = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0; // at most `width`
};

//! Every channel's own sum, at neighbouring positions: out[p][c] = start[c] + sum over taps of (x[tap][p][c] less zero) * w[tap][c].
template <typename A>
struct ChannelTask {
    const typename A::Source* const* x = nullptr;
    const typename A::In* const* w = nullptr;
    std::int64_t taps = 0;
    std::uint8_t flip = 0; // of integers, see Bytes
    std::int32_t zero = 0;
    const typename A::Sum* start = nullptr; // null: 0
    typename A::Sum* out = nullptr;
    std::int64_t channels = 0;
    std::int64_t positions = 1, x_stride = 0, out_stride = 0; // strides between positions
};

template <typename A>
struct Tiles {
    std::int64_t lanes = 0; // of a vector of sums
    std::int64_t width = 0; // of a panel
    void (*multiply)(const TileTask<A>& task) = nullptr;
    void (*channels)(const ChannelTask<A>& task) = nullptr;
};
inline constexpr std::int64_t kWidestPanel = 32;

template <typename A>
[[nodiscard]] const Tiles<A>& tiles() noexcept;

} // namespace tensorvk::kernels::cpu
