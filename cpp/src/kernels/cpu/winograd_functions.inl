// The body of winograd_*.cpp, which say for which instruction set: TVK_ISA names the namespace. Nothing of the standard library, as in
// tiles_functions.inl.
//
// With points 0, p, -p, q, -q and infinity, the rows of the input's transform are the coefficients of the products of all (x - point) but one; those of
// the output's the powers of the points; what both need to be divided by is in the weights' transform.
#include "kernels/cpu/winograd.hpp"

namespace tensorvk::kernels::cpu::TVK_ISA {

namespace {

#if defined(__AVX512BW__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
constexpr int kTaps = Winograd::kTaps, kWindow = Winograd::kWindow, kTile = Winograd::kTile;
constexpr float kP = 0.625f, kQ = 1.5f, kP2 = kP * kP, kQ2 = kQ * kQ;

typedef float Vector __attribute__((vector_size(4 * kLanes)));

//! The first `count` of a vector, the others 0.
inline Vector load(const float* from, std::int64_t count) {
    Vector out = {};
    if (count >= kLanes) {
        __builtin_memcpy(&out, from, sizeof out);
    } else {
        for (std::int64_t i = 0; i < count; ++i) out[i] = from[i];
    }
    return out;
}
inline void store(Vector v, float* to, std::int64_t count) {
    if (count >= kLanes) {
        __builtin_memcpy(to, &v, sizeof v);
    } else {
        for (std::int64_t i = 0; i < count; ++i) to[i] = v[i];
    }
}

inline void input_points(const Vector (&d)[kWindow], Vector (&out)[kWindow]) {
    const Vector even_q = d[4] - kQ2 * d[2], odd_q = kP * (d[3] - kQ2 * d[1]); // of what +p and -p share
    const Vector even_p = d[4] - kP2 * d[2], odd_p = kQ * (d[3] - kP2 * d[1]);
    out[0] = d[4] - (kP2 + kQ2) * d[2] + (kP2 * kQ2) * d[0];
    out[1] = even_q + odd_q;
    out[2] = even_q - odd_q;
    out[3] = even_p + odd_p;
    out[4] = even_p - odd_p;
    out[5] = d[5] - (kP2 + kQ2) * d[3] + (kP2 * kQ2) * d[1];
}

inline void output_places(const Vector (&m)[kWindow], Vector (&out)[kTile]) {
    const Vector sum_p = m[1] + m[2], sum_q = m[3] + m[4], difference_p = kP * (m[1] - m[2]), difference_q = kQ * (m[3] - m[4]);
    out[0] = m[0] + sum_p + sum_q;
    out[1] = difference_p + difference_q;
    out[2] = kP2 * sum_p + kQ2 * sum_q;
    out[3] = kP2 * difference_p + kQ2 * difference_q + m[5];
}

inline void factor_points(const Vector (&w)[kTaps], Vector (&out)[kWindow]) {
    constexpr float kAtP = 1.0f / (2.0f * kP2 * (kP2 - kQ2)), kAtQ = 1.0f / (2.0f * kQ2 * (kQ2 - kP2));
    const Vector even_p = kAtP * (w[0] + kP2 * w[2]), odd_p = kAtP * kP * w[1], even_q = kAtQ * (w[0] + kQ2 * w[2]), odd_q = kAtQ * kQ * w[1];
    out[0] = w[0] * (1.0f / (kP2 * kQ2));
    out[1] = even_p + odd_p;
    out[2] = even_p - odd_p;
    out[3] = even_q + odd_q;
    out[4] = even_q - odd_q;
    out[5] = w[2];
}

//! Both axes: columns first, then rows. kFrom by kFrom vectors become kTo by kTo.
template <int kFrom, int kTo, void (*along)(const Vector (&)[kFrom], Vector (&)[kTo]), typename Load, typename Store>
inline void both_axes(const Load& from, const Store& to) {
    Vector columns[kFrom][kTo]; // of each column its points
#pragma GCC unroll 6
    for (int x = 0; x < kFrom; ++x) {
        Vector column[kFrom];
#pragma GCC unroll 6
        for (int y = 0; y < kFrom; ++y) column[y] = from(y, x);
        along(column, columns[x]);
    }
#pragma GCC unroll 6
    for (int y = 0; y < kTo; ++y) {
        Vector row[kFrom], made[kTo];
#pragma GCC unroll 6
        for (int x = 0; x < kFrom; ++x) row[x] = columns[x][y];
        along(row, made);
#pragma GCC unroll 6
        for (int x = 0; x < kTo; ++x) to(y, x, made[x]);
    }
}

void input(const Winograd::Input& task) {
    for (std::int64_t c = 0; c < task.channels; c += kLanes) {
        const std::int64_t there = task.channels - c;
        both_axes<kWindow, kWindow, input_points>([&](int y, int x) __attribute__((always_inline)) { return load(task.places[y * kWindow + x] + c, there); },
                                                  [&](int y, int x, Vector v) __attribute__((always_inline)) {
                                                      __builtin_memcpy(task.points + (y * kWindow + x) * task.point + c, &v, sizeof v);
                                                  });
    }
}

void output(const Winograd::Output& task) {
    for (std::int64_t c = 0; c < task.channels; c += kLanes) {
        const std::int64_t there = task.channels - c;
        const Vector bias = task.bias == nullptr ? Vector{} : load(task.bias + c, there);
        both_axes<kWindow, kTile, output_places>(
            [&](int y, int x) __attribute__((always_inline)) { return load(task.points + (y * kWindow + x) * task.point + c, kLanes); },
            [&](int y, int x, Vector v) __attribute__((always_inline)) {
                float* const place = task.places[y * kTile + x];
                if (place != nullptr) store(v + bias, place + c, there);
            });
    }
}

void factors(const Winograd::Factors& task) {
    for (int c = 0; c < task.columns; c += kLanes) {
        both_axes<kTaps, kWindow, factor_points>(
            [&](int y, int x) __attribute__((always_inline)) { return load(task.taps + (y * kTaps + x) * task.columns + c, kLanes); },
            [&](int y, int x, Vector v) __attribute__((always_inline)) { store(v, task.points + (y * kWindow + x) * task.point + c, kLanes); });
    }
}

} // namespace

extern const Winograd kWinograd;
constexpr Winograd kWinograd{kLanes, input, output, factors};

} // namespace tensorvk::kernels::cpu::TVK_ISA
