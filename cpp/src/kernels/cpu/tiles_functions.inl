// The body of tiles_*.cpp, which say for which instruction set: TVK_ISA names the namespace. Nothing of the standard library, since an inline
// function compiled here must not be linked into what runs on lesser processors.
//
// A tile is kRows rows by two vectors of columns: as many sums as the registers hold beside a step of b. Each step of the depth loads the
// panel's vectors once and multiplies them by one number of each row.
#include "kernels/cpu/tiles.hpp"

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace tensorvk::kernels::cpu::TVK_ISA {

namespace {

#if defined(__AVX512BW__)
constexpr int kLanes = 16, kRows = 8;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kRows = 6;
#else
constexpr int kLanes = 4, kRows = 4;
#endif
constexpr int kVectors = 2; // of a panel

typedef float FloatVector __attribute__((vector_size(4 * kLanes)));
typedef std::int32_t IntegerVector __attribute__((vector_size(4 * kLanes)));

template <typename A>
struct Registers;

template <>
struct Registers<Floats> {
    using Vector = FloatVector;
    static Vector load(const float* from) {
        Vector out;
        __builtin_memcpy(&out, from, sizeof out);
        return out;
    }
    static Vector number(const float* from) { return *from - Vector{}; }
    static Vector add_product(Vector sum, Vector a, Vector b) { return sum + a * b; }
};

template <>
struct Registers<Integers> {
    using Vector = IntegerVector;
    static Vector load(const void* from) {
        Vector out;
        __builtin_memcpy(&out, from, sizeof out);
        return out;
    }
    //! A pair of numbers, for each column.
    static Vector number(const std::int16_t* from) {
        std::int32_t pair;
        __builtin_memcpy(&pair, from, sizeof pair);
        return pair - Vector{};
    }
    static Vector add_product(Vector sum, Vector a, Vector b) {
#if defined(__AVX512VNNI__)
        return reinterpret_cast<Vector>(
            _mm512_dpwssd_epi32(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX512BW__)
        return sum + reinterpret_cast<Vector>(_mm512_madd_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
        return sum + reinterpret_cast<Vector>(_mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
        return sum + reinterpret_cast<Vector>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
        return sum + (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
#endif
    }
};

// Sums stay in registers only where no loop over them is left.
#define TVK_UNROLL _Pragma("GCC unroll 8")

//! kR rows by kV vectors. kDepths: sums apart for so many steps of the depth, where rows are too few to hide how long an addition takes.
template <typename A, int kR, int kV, int kDepths>
void tile(const TileTask<A>& task, const typename A::In* a, const typename A::Sum* start, typename A::Sum* c) {
    using R = Registers<A>;
    using Vector = typename R::Vector;
    constexpr int kStep = static_cast<int>(A::kStep);
    Vector sums[kDepths][kR][kV] = {};
    TVK_UNROLL
    for (int r = 0; r < kR; ++r) {
        TVK_UNROLL
        for (int v = 0; v < kV; ++v) __builtin_memcpy(&sums[0][r][v], start + v * kLanes, sizeof(Vector));
    }
    const typename A::In* b = task.b;
    const auto step = [&](Vector(&to)[kR][kV], std::int64_t k) __attribute__((always_inline)) {
        Vector columns[kV];
        TVK_UNROLL
        for (int v = 0; v < kV; ++v) columns[v] = R::load(b + v * kLanes * kStep);
        TVK_UNROLL
        for (int r = 0; r < kR; ++r) {
            const Vector number = R::number(a + r * task.a_stride + k);
            TVK_UNROLL
            for (int v = 0; v < kV; ++v) to[r][v] = R::add_product(to[r][v], number, columns[v]);
        }
        b += task.b_stride;
    };
    std::int64_t k = 0;
    for (; k + kDepths * kStep <= task.depth; k += kDepths * kStep) {
        TVK_UNROLL
        for (int d = 0; d < kDepths; ++d) step(sums[d], k + d * kStep);
    }
    for (; k < task.depth; k += kStep) step(sums[0], k);
    TVK_UNROLL
    for (int d = 1; d < kDepths; ++d) {
        TVK_UNROLL
        for (int r = 0; r < kR; ++r) {
            TVK_UNROLL
            for (int v = 0; v < kV; ++v) sums[0][r][v] += sums[d][r][v];
        }
    }
    if (task.columns == kV * kLanes) {
        TVK_UNROLL
        for (int r = 0; r < kR; ++r) {
            TVK_UNROLL
            for (int v = 0; v < kV; ++v) __builtin_memcpy(c + r * task.c_stride + v * kLanes, &sums[0][r][v], sizeof(Vector));
        }
        return;
    }
    TVK_UNROLL
    for (int r = 0; r < kR; ++r) {
        typename A::Sum row[kV * kLanes];
        __builtin_memcpy(row, sums[0][r], sizeof row);
        for (std::int64_t j = 0; j < task.columns; ++j) c[r * task.c_stride + j] = row[j];
    }
}

template <typename A>
using TileFunction = void (*)(const TileTask<A>& task, const typename A::In* a, const typename A::Sum* start, typename A::Sum* c);

template <typename A, int kV, int kR>
constexpr TileFunction<A> kTile = tile<A, kR, kV, kR == 1 ? 4 : kR <= 3 ? 2 : 1>;

//! Rows are dealt out evenly: a tile of one row takes half as long as one of all.
template <typename A, int kV>
void panel(const TileTask<A>& task) {
    static constexpr TileFunction<A> kTiles[] = {
        nullptr,
        kTile<A, kV, 1>,
        kTile<A, kV, 2>,
        kTile<A, kV, 3>,
        kTile<A, kV, 4>,
#if defined(__AVX2__)
        kTile<A, kV, 5>,
        kTile<A, kV, 6>,
#endif
#if defined(__AVX512BW__)
        kTile<A, kV, 7>,
        kTile<A, kV, 8>,
#endif
    };
    static_assert(sizeof kTiles / sizeof *kTiles == kRows + 1);
    typename A::Sum start[kV * kLanes] = {};
    if (task.start != nullptr) {
        for (std::int64_t j = 0; j < task.columns; ++j) start[j] = task.start[j];
    }
    const std::int64_t count = (task.rows + kRows - 1) / kRows;
    std::int64_t row = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t rows = (task.rows - row) / (count - i);
        kTiles[rows](task, task.a + row * task.a_stride, start, task.c + row * task.c_stride);
        row += rows;
    }
}

template <typename A>
void multiply(const TileTask<A>& task) {
    task.columns > kLanes ? panel<A, kVectors>(task) : panel<A, 1>(task);
}

inline float number(float x, const ChannelTask<Floats>&) { return x; }
inline std::int32_t number(std::uint8_t x, const ChannelTask<Integers>& task) { return static_cast<std::int32_t>(x ^ task.flip) - task.zero; }

inline FloatVector numbers(const float* x, const ChannelTask<Floats>&) { return Registers<Floats>::load(x); }
inline IntegerVector numbers(const std::uint8_t* x, const ChannelTask<Integers>& task) {
    typedef std::uint8_t ByteVector __attribute__((vector_size(kLanes)));
    ByteVector bytes;
    __builtin_memcpy(&bytes, x, sizeof bytes);
    return (__builtin_convertvector(bytes, IntegerVector) ^ static_cast<std::int32_t>(task.flip)) - task.zero;
}
inline FloatVector factors(const float* w) { return Registers<Floats>::load(w); }
inline IntegerVector factors(const std::int16_t* w) {
    typedef std::int16_t ShortVector __attribute__((vector_size(2 * kLanes)));
    ShortVector shorts;
    __builtin_memcpy(&shorts, w, sizeof shorts);
    return __builtin_convertvector(shorts, IntegerVector);
}

//! kP positions of kV vectors of neighbouring channels.
template <typename A, int kP, int kV>
void some_channels(const ChannelTask<A>& task, std::int64_t p, std::int64_t c) {
    using Vector = typename Registers<A>::Vector;
    Vector sums[kP][kV] = {};
    TVK_UNROLL
    for (int v = 0; v < kV; ++v) {
        if (task.start != nullptr) __builtin_memcpy(&sums[0][v], task.start + c + v * kLanes, sizeof(Vector));
        TVK_UNROLL
        for (int i = 1; i < kP; ++i) sums[i][v] = sums[0][v];
    }
    for (std::int64_t tap = 0; tap < task.taps; ++tap) {
        const typename A::Source* x = task.x[tap] + p * task.x_stride + c;
        TVK_UNROLL
        for (int v = 0; v < kV; ++v) {
            const Vector w = factors(task.w[tap] + c + v * kLanes);
            TVK_UNROLL
            for (int i = 0; i < kP; ++i) sums[i][v] += numbers(x + i * task.x_stride + v * kLanes, task) * w;
        }
    }
    typename A::Sum* out = task.out + p * task.out_stride + c;
    TVK_UNROLL
    for (int i = 0; i < kP; ++i) {
        TVK_UNROLL
        for (int v = 0; v < kV; ++v) __builtin_memcpy(out + i * task.out_stride + v * kLanes, &sums[i][v], sizeof(Vector));
    }
}

template <typename A>
void one_channel(const ChannelTask<A>& task, std::int64_t p, std::int64_t c) {
    typename A::Sum sum = task.start != nullptr ? task.start[c] : 0;
    for (std::int64_t tap = 0; tap < task.taps; ++tap) sum += number(task.x[tap][p * task.x_stride + c], task) * task.w[tap][c];
    task.out[p * task.out_stride + c] = sum;
}

template <typename A>
void channels(const ChannelTask<A>& task) {
    constexpr int kP = 4, kV = 2;
    std::int64_t p = 0;
    for (; p + kP <= task.positions; p += kP) {
        std::int64_t c = 0;
        for (; c + kV * kLanes <= task.channels; c += kV * kLanes) some_channels<A, kP, kV>(task, p, c);
        for (; c + kLanes <= task.channels; c += kLanes) some_channels<A, kP, 1>(task, p, c);
        for (; c < task.channels; ++c) {
            for (int i = 0; i < kP; ++i) one_channel(task, p + i, c);
        }
    }
    for (; p < task.positions; ++p) {
        std::int64_t c = 0;
        for (; c + kLanes <= task.channels; c += kLanes) some_channels<A, 1, 1>(task, p, c);
        for (; c < task.channels; ++c) one_channel(task, p, c);
    }
}

} // namespace

extern const Tiles<Floats> kFloatTiles;
extern const Tiles<Integers> kIntegerTiles;
constexpr Tiles<Floats> kFloatTiles{kLanes, kVectors * kLanes, multiply<Floats>, channels<Floats>};
constexpr Tiles<Integers> kIntegerTiles{kLanes, kVectors * kLanes, multiply<Integers>, channels<Integers>};

} // namespace tensorvk::kernels::cpu::TVK_ISA
