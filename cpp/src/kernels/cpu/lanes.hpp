// Numbers joined with others, many pairs at a time: what cpu/pooling and cpu/reduce loop over.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "kernels/cpu/bfloat.hpp"

namespace tensorvk::kernels::cpu {

//! Integers wrap.
template <typename T, typename Operation>
T wrapping(T a, T b, Operation operation) {
    if constexpr (std::is_integral_v<T>) {
        using U = std::make_unsigned_t<T>;
        return static_cast<T>(operation(static_cast<U>(a), static_cast<U>(b)));
    } else {
        return operation(a, b);
    }
}

template <typename T>
struct Sum {
    using Number = T;
    static constexpr T kNeutral = 0;
    T operator()(T a, T b) const { return wrapping(a, b, [](auto x, auto y) { return x + y; }); }
};

template <typename T>
struct Product {
    using Number = T;
    static constexpr T kNeutral = 1;
    T operator()(T a, T b) const { return wrapping(a, b, [](auto x, auto y) { return x * y; }); }
};

//! NaN as the second argument is passed over, as the shaders' max and min do; so the first never is one. Compilers make four instructions of
//! such a comparison in a vector, where the processor has one that does just this.
template <typename T>
struct Largest {
    using Number = T;
    static constexpr T kNeutral = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
    T operator()(T a, T b) const { return b > a ? b : a; }
#ifdef __SSE2__
    static __m128 four(__m128 a, __m128 b) requires std::is_same_v<T, float> { return _mm_max_ps(b, a); }
    static __m128i sixteen(__m128i a, __m128i b) requires std::is_same_v<T, std::uint8_t> { return _mm_max_epu8(a, b); }
    //! With their upper bits turned over they are in the order of unsigned ones, which SSE2 knows.
    static __m128i sixteen(__m128i a, __m128i b) requires std::is_same_v<T, std::int8_t> {
        const __m128i turned = _mm_set1_epi8(-128);
        return _mm_xor_si128(_mm_max_epu8(_mm_xor_si128(a, turned), _mm_xor_si128(b, turned)), turned);
    }
#endif
};

template <typename T>
struct Smallest {
    using Number = T;
    static constexpr T kNeutral = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
    T operator()(T a, T b) const { return b < a ? b : a; }
#ifdef __SSE2__
    static __m128 four(__m128 a, __m128 b) requires std::is_same_v<T, float> { return _mm_min_ps(b, a); }
#endif
};

#ifdef __SSE2__
inline __m128 four_of(const float* x) { return _mm_loadu_ps(x); }
inline __m128 four_of(const Bfloat* x) { return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64(reinterpret_cast<const __m128i*>(x)))); }
#endif

//! r[i] = join(r[i], x[i]).
template <typename Join, typename Element, typename T = typename Join::Number>
inline void join_each(T* r, const Element* x, std::int64_t n) {
    const Join join{};
    std::int64_t i = 0;
#ifdef __SSE2__
    if constexpr (requires(__m128 v) { Join::four(v, v); }) {
        for (; i + 4 <= n; i += 4) _mm_storeu_ps(r + i, Join::four(_mm_loadu_ps(r + i), four_of(x + i)));
    }
    if constexpr (requires(__m128i v) { Join::sixteen(v, v); }) {
        const auto load = [](const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); };
        for (; i + 16 <= n; i += 16) _mm_storeu_si128(reinterpret_cast<__m128i*>(r + i), Join::sixteen(load(r + i), load(x + i)));
    }
#endif
    for (; i < n; ++i) r[i] = join(r[i], number(x[i]));
}

//! r[i] = join(r[i], x[i * stride]).
template <typename Join, typename Element, typename T = typename Join::Number>
inline void join_each(T* r, const Element* x, std::int64_t n, std::int64_t stride) {
    const Join join{};
    std::int64_t i = 0;
    if (stride == 1) return join_each<Join>(r, x, n);
    if (stride == 2) {
#ifdef __SSE2__
        if constexpr (std::is_same_v<Element, float> && requires(__m128 v) { Join::four(v, v); }) {
            for (; i + 4 < n; i += 4) { // not up to n: the last load takes one number more than it needs
                const __m128 even = _mm_shuffle_ps(_mm_loadu_ps(x + 2 * i), _mm_loadu_ps(x + 2 * i + 4), _MM_SHUFFLE(2, 0, 2, 0));
                _mm_storeu_ps(r + i, Join::four(_mm_loadu_ps(r + i), even));
            }
        }
#endif
        for (; i < n; ++i) r[i] = join(r[i], number(x[2 * i]));
        return;
    }
    for (; i < n; ++i) r[i] = join(r[i], number(x[i * stride]));
}

} // namespace tensorvk::kernels::cpu
