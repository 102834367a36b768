// Numbers joined with others, many pairs at a time: what cpu/pooling and cpu/reduce loop over.
#pragma once

#include <cstdint>
#include <limits>

#ifdef __SSE__
#include <immintrin.h>
#endif

namespace tensorvk::kernels::cpu {

struct Sum {
    static constexpr float kNeutral = 0.0f;
    float operator()(float a, float b) const { return a + b; }
};

struct Product {
    static constexpr float kNeutral = 1.0f;
    float operator()(float a, float b) const { return a * b; }
};

//! NaN as the second argument is passed over, as the shaders' max and min do; so the first never is one. Compilers make four instructions of
//! such a comparison in a vector, where the processor has one that does just this.
struct Largest {
    static constexpr float kNeutral = -std::numeric_limits<float>::infinity();
    float operator()(float a, float b) const { return b > a ? b : a; }
#ifdef __SSE__
    static __m128 four(__m128 a, __m128 b) { return _mm_max_ps(b, a); }
#endif
};

struct Smallest {
    static constexpr float kNeutral = std::numeric_limits<float>::infinity();
    float operator()(float a, float b) const { return b < a ? b : a; }
#ifdef __SSE__
    static __m128 four(__m128 a, __m128 b) { return _mm_min_ps(b, a); }
#endif
};

//! r[i] = join(r[i], x[i]).
template <typename Join>
inline void join_each(float* r, const float* x, std::int64_t n) {
    const Join join{};
    std::int64_t i = 0;
#ifdef __SSE__
    if constexpr (requires { &Join::four; }) {
        for (; i + 4 <= n; i += 4) _mm_storeu_ps(r + i, Join::four(_mm_loadu_ps(r + i), _mm_loadu_ps(x + i)));
    }
#endif
    for (; i < n; ++i) r[i] = join(r[i], x[i]);
}

//! r[i] = join(r[i], x[i * stride]).
template <typename Join>
inline void join_each(float* r, const float* x, std::int64_t n, std::int64_t stride) {
    const Join join{};
    std::int64_t i = 0;
    if (stride == 1) return join_each<Join>(r, x, n);
    if (stride == 2) {
#ifdef __SSE__
        if constexpr (requires { &Join::four; }) {
            for (; i + 4 < n; i += 4) { // not up to n: the last load takes one number more than it needs
                const __m128 even = _mm_shuffle_ps(_mm_loadu_ps(x + 2 * i), _mm_loadu_ps(x + 2 * i + 4), _MM_SHUFFLE(2, 0, 2, 0));
                _mm_storeu_ps(r + i, Join::four(_mm_loadu_ps(r + i), even));
            }
        }
#endif
        for (; i < n; ++i) r[i] = join(r[i], x[2 * i]);
        return;
    }
    for (; i < n; ++i) r[i] = join(r[i], x[i * stride]);
}

} // namespace tensorvk::kernels::cpu
