// The body of chunk_*.cpp, which say for which instruction set: TVK_ISA names the namespace. Plain loops that the compiler makes vectors of;
// nothing of the standard library, since an inline function compiled here must not be linked into what runs on lesser processors. The
// float formulas are those of shaders/common/pointwise_math.glsl, where their sources stand.
#include "kernels/cpu/chunk.hpp"

namespace tensorvk::kernels::cpu::TVK_ISA {

namespace {

inline float from_bits(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }
inline std::uint32_t to_bits(float x) { return __builtin_bit_cast(std::uint32_t, x); }
inline float magnitude(float x) { return from_bits(to_bits(x) & 0x7fffffffU); }
inline float with_sign(float x, float sign) { return from_bits((to_bits(x) & 0x7fffffffU) | (to_bits(sign) & 0x80000000U)); }
constexpr float kInfinity = __builtin_inff();
constexpr float kNan = __builtin_nanf("");

//! To the nearest integer, halves to even: below 2^22 adding and taking away 1.5 * 2^23 does it, in every instruction set.
inline float nearest(float x) {
    const float a = magnitude(x);
    const float rounded = (a + 8388608.0f) - 8388608.0f;
    return a < 8388608.0f ? with_sign(rounded, x) : x;
}
inline float truncated(float x) {
    const float r = nearest(x);
    const float a = magnitude(r) > magnitude(x) ? magnitude(r) - 1.0f : magnitude(r);
    return x == x ? with_sign(a, x) : x;
}
inline float floored(float x) {
    const float r = nearest(x);
    return r > x ? r - 1.0f : r;
}
inline float ceiled(float x) {
    const float r = nearest(x);
    return r < x ? with_sign(r + 1.0f, x) : r;
}

//! expf of the Cephes library: x = k ln 2 + r; the power of two is applied in two steps, so that results below 2^-126 come out as well.
inline float exponential(float x) {
    const float bounded = x > 88.8f ? 88.8f : x < -104.0f ? -104.0f : x;
    const float k = nearest(bounded * 1.44269504089f);
    const float r = (bounded - k * 0.693359375f) - k * -2.12194440e-4f;
    const float p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
    const float y = p * r * r + r + 1.0f;
    const auto whole = static_cast<std::int32_t>(k);
    const std::int32_t half = whole >> 1;
    const float scaled = y * from_bits(static_cast<std::uint32_t>(half + 127) << 23) * from_bits(static_cast<std::uint32_t>(whole - half + 127) << 23);
    return x != x ? x : x > 88.72284f ? kInfinity : x < -103.98f ? 0.0f : scaled;
}

//! logf of the Cephes library: x = 2^k m with m in [sqrt(1/2), sqrt(2)).
inline float logarithm(float x) {
    const bool tiny = x < 1.17549435e-38f;
    const float normal = tiny ? x * 8388608.0f : x;
    const std::uint32_t bits = to_bits(normal);
    const std::int32_t exponent = static_cast<std::int32_t>(bits >> 23) - 126;
    const float half = from_bits((bits & 0x007fffffU) | 0x3f000000U); // in [0.5, 1)
    const bool small = half < 0.707106781186547524f;
    const float m = small ? half + half - 1.0f : half - 1.0f;
    const float k = static_cast<float>(exponent - (small ? 1 : 0) - (tiny ? 23 : 0));
    const float z = m * m;
    float p = 7.0376836292e-2f;
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    const float y = m * z * p - 2.12194440e-4f * k - 0.5f * z + m + 0.693359375f * k;
    return x > 0.0f ? (x == kInfinity ? x : y) : x == 0.0f ? -kInfinity : kNan;
}

inline float expm1(float x) {
    const float small = x * (1.0f + x * 0.5f * (1.0f + x * (1.0f / 3.0f) * (1.0f + x * 0.25f * (1.0f + x * 0.2f * (1.0f + x * (1.0f / 6.0f))))));
    return magnitude(x) < 0.3f ? small : exponential(x) - 1.0f;
}
inline float sigmoid(float x) {
    const float e = exponential(-magnitude(x));
    const float r = 1.0f / (1.0f + e);
    return x >= 0.0f ? r : e * r;
}
inline float tanh(float x) {
    const float e = exponential(-2.0f * magnitude(x));
    const float s = x * x;
    const float small = x * (1.0f + s * (-1.0f / 3.0f + s * (2.0f / 15.0f - s * (17.0f / 315.0f))));
    return magnitude(x) < 0.25f ? small : with_sign((1.0f - e) / (1.0f + e), x);
}
inline float softplus(float x) {
    const float e = exponential(-magnitude(x));
    const float rest = e < 0.03f ? e * (1.0f - e * (0.5f - e * (1.0f / 3.0f - e * 0.25f))) : logarithm(1.0f + e);
    return (x > 0.0f ? x : 0.0f) + rest;
}
inline float erf(float x) {
    const float a = magnitude(x);
    const float t = 1.0f / (1.0f + 0.3275911f * a);
    const float p = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    const float s = x * x;
    const float small = x * (1.1283791671f + s * (-0.3761263890f + s * (0.1128379167f + s * (-0.0268661706f + s * 0.0052239776f))));
    return a < 0.4f ? small : with_sign(1.0f - p * exponential(-s), x);
}
inline float gelu_tanh(float x) { return 0.5f * x * (1.0f + tanh(0.79788456080f * (x + 0.044715f * x * x * x))); }

struct Arc {
    float sine, cosine;
    bool odd, back; // an odd number of quarter turns was taken off; two or three of four
};
inline Arc reduced(float x) {
    const float k = nearest(x * 0.63661977237f);
    const float r = k == 0.0f ? x : ((x - k * 1.5703125f) - k * 4.837512969970703125e-4f) - k * 7.54978995489188216e-8f;
    const float z = r * r;
    const float turn = k - 4.0f * floored(0.25f * k);
    return {((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r,
            ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f,
            turn == 1.0f || turn == 3.0f, turn > 1.5f};
}
inline float sine(float x) {
    const Arc arc = reduced(x);
    const float r = arc.odd ? arc.cosine : arc.sine;
    return arc.back ? -r : r;
}
inline float cosine(float x) {
    const Arc arc = reduced(x);
    const float r = arc.odd ? -arc.sine : arc.cosine;
    return arc.back ? -r : r;
}
inline float tangent(float x) {
    const Arc arc = reduced(x);
    return arc.odd ? -arc.cosine / arc.sine : arc.sine / arc.cosine;
}
inline float arctangent(float v) {
    const float x = magnitude(v);
    const bool middle = x > 0.41421356237f, far = x > 2.41421356237f;
    const float t = far ? -1.0f / x : middle ? (x - 1.0f) / (x + 1.0f) : x;
    const float start = far ? 1.57079632679f : middle ? 0.78539816340f : 0.0f;
    const float z = t * t;
    const float series = ((8.05374449538e-2f * z - 1.38776856032e-1f) * z + 1.99777106478e-1f) * z - 3.33329491539e-1f;
    return with_sign(start + (series * z * t + t), v);
}
inline float root(float x) { return __builtin_sqrtf(x); }
inline float arcsine(float x) { return arctangent(x / root((1.0f - x) * (1.0f + x))); }
inline float arccosine(float x) { return 2.0f * arctangent(root((1.0f - x) / (1.0f + x))); }
inline float sinh(float x) {
    const float s = x * x;
    const float small = x * (1.0f + s * (1.0f / 6.0f + s * (1.0f / 120.0f + s * (1.0f / 5040.0f))));
    const float half = exponential(0.5f * magnitude(x)); // exp(x) / 2 as a product: the power itself may be too large
    return magnitude(x) < 0.5f ? small : with_sign(0.5f * half * half - 0.5f / (half * half), x);
}
inline float cosh(float x) {
    const float half = exponential(0.5f * magnitude(x));
    return 0.5f * half * half + 0.5f / (half * half);
}
inline float asinh(float x) {
    const float s = x * x;
    const float small = x * (1.0f + s * (-1.0f / 6.0f + s * (3.0f / 40.0f - s * (15.0f / 336.0f - s * (105.0f / 3456.0f)))));
    return magnitude(x) < 0.25f ? small : with_sign(logarithm(magnitude(x) + root(s + 1.0f)), x);
}
inline float acosh(float x) { return logarithm(x + root((x - 1.0f) * (x + 1.0f))); }
inline float atanh(float x) {
    const float s = x * x;
    const float small = x * (1.0f + s * (1.0f / 3.0f + s * (1.0f / 5.0f + s * (1.0f / 7.0f + s * (1.0f / 9.0f)))));
    return magnitude(x) < 0.25f ? small : 0.5f * logarithm((1.0f + x) / (1.0f - x));
}
inline float power(float a, float b) {
    const bool integral = floored(b) == b;
    const float odd = b - 2.0f * floored(0.5f * b);
    float r = exponential(b * logarithm(magnitude(a)));
    r = odd * (a < 0.0f ? 1.0f : 0.0f) == 1.0f ? -r : r;
    r = a < 0.0f && !integral ? kNan : r;
    r = a == 0.0f ? (b < 0.0f ? kInfinity : 0.0f) : r;
    r = b == 0.0f ? 1.0f : b == 1.0f ? a : b == 2.0f ? a * a : b == 3.0f ? a * a * a : b == -1.0f ? 1.0f / a : r;
    return b == 0.5f ? root(a) : r;
}
inline float rounded_half(float x) {
    const std::uint32_t bits = to_bits(magnitude(x));
    const std::uint32_t rounded = (bits + 0xfffU + ((bits >> 13) & 1U)) & 0xffffe000U;
    float r = from_bits(rounded);
    r = bits < 0x38800000U ? nearest(magnitude(x) * 16777216.0f) * 5.9604644775390625e-8f : r;
    r = rounded >= 0x47800000U ? kInfinity : r;
    return with_sign(bits > 0x7f800000U ? x : r, x);
}
inline float greater(float a, float b) { return a != a ? a : b != b ? b : a > b ? a : b; } // NaN stays
inline float lesser(float a, float b) { return a != a ? a : b != b ? b : a < b ? a : b; }
//! The quotient may be off by rounding, which floor would turn into a whole unit.
inline float floor_quotient(float a, float b) {
    const float q = floored(a / b);
    const float r = (a - q * b) * (b > 0.0f ? 1.0f : -1.0f);
    return r >= magnitude(b) ? q + 1.0f : r < 0.0f ? q - 1.0f : q;
}
inline float truth(bool b) { return b ? 1.0f : 0.0f; }

template <typename F>
inline void each(int n, float* __restrict r, const float* a, F f) {
    for (int i = 0; i < n; ++i) r[i] = f(a[i]);
}
template <typename F>
inline void each(int n, float* __restrict r, const float* a, const float* b, F f) {
    for (int i = 0; i < n; ++i) r[i] = f(a[i], b[i]);
}

void slot(PointwiseOp op, int n, float* __restrict r, const float* a, const float* b, const float* c) {
    switch (op) {
    case PointwiseOp::kNOP: return each(n, r, a, [](float x) { return x; });
    case PointwiseOp::kADD: return each(n, r, a, b, [](float x, float y) { return x + y; });
    case PointwiseOp::kSUB: return each(n, r, a, b, [](float x, float y) { return x - y; });
    case PointwiseOp::kMUL: return each(n, r, a, b, [](float x, float y) { return x * y; });
    case PointwiseOp::kDIV: return each(n, r, a, b, [](float x, float y) { return x / y; });
    case PointwiseOp::kMAX: return each(n, r, a, b, greater);
    case PointwiseOp::kMIN: return each(n, r, a, b, lesser);
    case PointwiseOp::kPOW: return each(n, r, a, b, power);
    case PointwiseOp::kFLOOR_DIV: return each(n, r, a, b, floor_quotient);
    case PointwiseOp::kEQUAL: return each(n, r, a, b, [](float x, float y) { return truth(x == y); });
    case PointwiseOp::kGREATER: return each(n, r, a, b, [](float x, float y) { return truth(x > y); });
    case PointwiseOp::kLESS: return each(n, r, a, b, [](float x, float y) { return truth(x < y); });
    case PointwiseOp::kAND: return each(n, r, a, b, [](float x, float y) { return truth(x != 0.0f) * truth(y != 0.0f); });
    case PointwiseOp::kOR: return each(n, r, a, b, [](float x, float y) { return x != 0.0f ? 1.0f : truth(y != 0.0f); });
    case PointwiseOp::kXOR: return each(n, r, a, b, [](float x, float y) { return magnitude(truth(x != 0.0f) - truth(y != 0.0f)); });
    case PointwiseOp::kRELU: return each(n, r, a, [](float x) { return x < 0.0f ? 0.0f : x; });
    case PointwiseOp::kSIGMOID: return each(n, r, a, sigmoid);
    case PointwiseOp::kTANH: return each(n, r, a, tanh);
    case PointwiseOp::kELU: return each(n, r, a, b, [](float x, float y) { return x >= 0.0f ? x : y * expm1(x); });
    case PointwiseOp::kSOFTSIGN: return each(n, r, a, [](float x) { return x / (1.0f + magnitude(x)); });
    case PointwiseOp::kSOFTPLUS: return each(n, r, a, softplus);
    case PointwiseOp::kGELU_ERF: return each(n, r, a, [](float x) { return 0.5f * x * (1.0f + erf(x * 0.70710678118f)); });
    case PointwiseOp::kGELU_TANH: return each(n, r, a, gelu_tanh);
    case PointwiseOp::kEXP: return each(n, r, a, exponential);
    case PointwiseOp::kLOG: return each(n, r, a, logarithm);
    case PointwiseOp::kSQRT: return each(n, r, a, root);
    case PointwiseOp::kRECIP: return each(n, r, a, [](float x) { return 1.0f / x; });
    case PointwiseOp::kABS: return each(n, r, a, magnitude);
    case PointwiseOp::kNEG: return each(n, r, a, [](float x) { return -x; });
    case PointwiseOp::kSIN: return each(n, r, a, sine);
    case PointwiseOp::kCOS: return each(n, r, a, cosine);
    case PointwiseOp::kTAN: return each(n, r, a, tangent);
    case PointwiseOp::kSINH: return each(n, r, a, sinh);
    case PointwiseOp::kCOSH: return each(n, r, a, cosh);
    case PointwiseOp::kASIN: return each(n, r, a, arcsine);
    case PointwiseOp::kACOS: return each(n, r, a, arccosine);
    case PointwiseOp::kATAN: return each(n, r, a, arctangent);
    case PointwiseOp::kASINH: return each(n, r, a, asinh);
    case PointwiseOp::kACOSH: return each(n, r, a, acosh);
    case PointwiseOp::kATANH: return each(n, r, a, atanh);
    case PointwiseOp::kCEIL: return each(n, r, a, ceiled);
    case PointwiseOp::kFLOOR: return each(n, r, a, floored);
    case PointwiseOp::kERF: return each(n, r, a, erf);
    case PointwiseOp::kNOT: return each(n, r, a, [](float x) { return truth(x == 0.0f); });
    case PointwiseOp::kSIGN: return each(n, r, a, [](float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; });
    case PointwiseOp::kROUND: return each(n, r, a, nearest);
    case PointwiseOp::kISINF: return each(n, r, a, [](float x) { return truth(magnitude(x) == kInfinity); });
    case PointwiseOp::kISNAN: return each(n, r, a, [](float x) { return truth(x != x); });
    case PointwiseOp::kLEAKY_RELU: return each(n, r, a, b, [](float x, float y) { return x >= 0.0f ? x : y * x; });
    case PointwiseOp::kTHRESHOLDED_RELU: return each(n, r, a, b, [](float x, float y) { return x > y ? x : 0.0f; });
    case PointwiseOp::kSELECT:
        for (int i = 0; i < n; ++i) r[i] = a[i] != 0.0f ? b[i] : c[i];
        return;
    case PointwiseOp::kTRUNC: return each(n, r, a, truncated);
    case PointwiseOp::kROUND_HALF: return each(n, r, a, rounded_half);
    case PointwiseOp::kQUANTIZE: return each(n, r, a, b, [](float x, float y) { return nearest(x / y); });
    }
}

// --- Integers: exact, wrapping. The operations are those of shaders/pointwise/int.glsl.

template <typename T>
struct Bits;
template <>
struct Bits<std::int32_t> { using Type = std::uint32_t; };
template <>
struct Bits<std::int64_t> { using Type = std::uint64_t; };

template <typename T, typename F>
inline void each_int(int n, T* __restrict r, const T* a, const T* b, F f) {
    for (int i = 0; i < n; ++i) r[i] = f(a[i], b[i]);
}
//! The least number divided by -1 wraps too.
template <typename T>
inline T quotient(T a, T b) {
    using U = typename Bits<T>::Type;
    return b == 0 ? 0 : b == -1 ? static_cast<T>(U{0} - static_cast<U>(a)) : a / b;
}
template <typename T>
inline T floor_quotient_int(T a, T b) {
    const T q = quotient(a, b);
    return b != 0 && b != -1 && q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

template <typename T>
void slot_int(PointwiseOp op, int n, T* __restrict r, const T* a, const T* b, const T* c) {
    using U = typename Bits<T>::Type;
    switch (op) {
    case PointwiseOp::kADD: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(static_cast<U>(x) + static_cast<U>(y)); });
    case PointwiseOp::kSUB: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(static_cast<U>(x) - static_cast<U>(y)); });
    case PointwiseOp::kMUL: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(static_cast<U>(x) * static_cast<U>(y)); });
    case PointwiseOp::kDIV: return each_int(n, r, a, b, quotient<T>);
    case PointwiseOp::kMAX: return each_int(n, r, a, b, [](T x, T y) { return x > y ? x : y; });
    case PointwiseOp::kMIN: return each_int(n, r, a, b, [](T x, T y) { return x < y ? x : y; });
    case PointwiseOp::kFLOOR_DIV: return each_int(n, r, a, b, floor_quotient_int<T>);
    case PointwiseOp::kEQUAL: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(x == y); });
    case PointwiseOp::kGREATER: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(x > y); });
    case PointwiseOp::kLESS: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(x < y); });
    case PointwiseOp::kAND: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>((x != 0) & (y != 0)); });
    case PointwiseOp::kOR: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>((x != 0) | (y != 0)); });
    case PointwiseOp::kXOR: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>((x != 0) != (y != 0)); });
    case PointwiseOp::kRELU: return each_int(n, r, a, a, [](T x, T) { return x < 0 ? T{0} : x; });
    case PointwiseOp::kABS: return each_int(n, r, a, a, [](T x, T) { return x < 0 ? static_cast<T>(U{0} - static_cast<U>(x)) : x; });
    case PointwiseOp::kNEG: return each_int(n, r, a, a, [](T x, T) { return static_cast<T>(U{0} - static_cast<U>(x)); });
    case PointwiseOp::kNOT: return each_int(n, r, a, a, [](T x, T) { return static_cast<T>(x == 0); });
    case PointwiseOp::kSIGN: return each_int(n, r, a, a, [](T x, T) { return static_cast<T>((x > 0) - (x < 0)); });
    case PointwiseOp::kSELECT:
        for (int i = 0; i < n; ++i) r[i] = a[i] != 0 ? b[i] : c[i];
        return;
    default: // rounding leaves integers as they are; the tactic asks for nothing else
        for (int i = 0; i < n; ++i) r[i] = a[i];
    }
}

// --- Types in memory.

inline float float_of_half(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
    const std::uint32_t bits = static_cast<std::uint32_t>(half & 0x7fffU) << 13;
    // Numbers below 2^-14 come from a multiplication, which brings them their exponent; infinities and NaN keep all bits of theirs.
    const float number = from_bits(bits) * 5.192296858534828e33f; // 2^112
    const std::uint32_t magnitude_bits = bits >= 0x0f800000U ? bits | 0x7f800000U : to_bits(number);
    return from_bits(magnitude_bits | sign);
}
inline std::uint16_t half_of_float(float x) {
    const float r = rounded_half(x);
    const std::uint32_t bits = to_bits(r), a = bits & 0x7fffffffU;
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const auto tiny = static_cast<std::uint32_t>(static_cast<std::int32_t>(magnitude(r) * 16777216.0f)); // below 2^-14
    const std::uint32_t h = a > 0x7f800000U ? 0x7e00U : a == 0x7f800000U ? 0x7c00U : a < 0x38800000U ? tiny : (a - 0x38000000U) >> 13;
    return static_cast<std::uint16_t>(sign | h);
}
inline float float_of_bfloat(std::uint16_t x) { return from_bits(static_cast<std::uint32_t>(x) << 16); }
inline std::uint16_t bfloat_of_float(float x) {
    const std::uint32_t bits = to_bits(x);
    const std::uint32_t r = (bits & 0x7fffffffU) > 0x7f800000U ? bits >> 16 | 0x40U : (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
    return static_cast<std::uint16_t>(r);
}
//! Towards zero; what lies outside saturates, NaN is 0.
inline std::int32_t int_of_float(float x) {
    const float bounded = x >= 2147483648.0f ? 2147483520.0f : x <= -2147483648.0f ? -2147483648.0f : x != x ? 0.0f : x;
    return x >= 2147483648.0f ? 2147483647 : static_cast<std::int32_t>(bounded);
}
inline std::int64_t long_of_float(float x) {
    const float bounded = x >= 9223372036854775808.0f ? 0.0f : x <= -9223372036854775808.0f ? -9223372036854775808.0f : x != x ? 0.0f : x;
    return x >= 9223372036854775808.0f ? 9223372036854775807LL : static_cast<std::int64_t>(bounded);
}
inline float bounded(float x, float least, float most) { return x != x ? 0.0f : x < least ? least : x > most ? most : x; }
template <typename T>
inline T bounded_int(T x, T least, T most) { return x < least ? least : x > most ? most : x; }

//! A number of a program, and what an integer program never reads, as T.
template <typename T>
inline T number_of(float x) {
    return static_cast<T>(x);
}
template <>
inline std::int32_t number_of<std::int32_t>(float x) { return int_of_float(x); }
template <>
inline std::int64_t number_of<std::int64_t>(float x) { return long_of_float(x); }

template <typename T, typename S, typename F>
inline void load_as(const void* from, std::int64_t stride, int n, T* __restrict out, F f) {
    const S* in = static_cast<const S*>(from);
    if (stride == 1) {
        for (int i = 0; i < n; ++i) out[i] = f(in[i]);
    } else if (stride == 0) {
        const T one = f(*in);
        for (int i = 0; i < n; ++i) out[i] = one;
    } else {
        for (int i = 0; i < n; ++i) out[i] = f(in[i * stride]);
    }
}
template <typename D, typename T, typename F>
inline void store_as(void* to, const T* in, int n, F f) {
    D* out = static_cast<D*>(to);
    for (int i = 0; i < n; ++i) out[i] = f(in[i]);
}

template <typename T>
void load(Word type, const void* from, std::int64_t stride, int n, T* out) {
    switch (type) {
    case Word::kF32: return load_as<T, float>(from, stride, n, out, [](float x) { return number_of<T>(x); });
    case Word::kF16: return load_as<T, std::uint16_t>(from, stride, n, out, [](std::uint16_t x) { return number_of<T>(float_of_half(x)); });
    case Word::kBF16: return load_as<T, std::uint16_t>(from, stride, n, out, [](std::uint16_t x) { return number_of<T>(float_of_bfloat(x)); });
    case Word::kI32: return load_as<T, std::int32_t>(from, stride, n, out, [](std::int32_t x) { return static_cast<T>(x); });
    case Word::kI64: return load_as<T, std::int64_t>(from, stride, n, out, [](std::int64_t x) { return static_cast<T>(x); });
    case Word::kU8: return load_as<T, std::uint8_t>(from, stride, n, out, [](std::uint8_t x) { return static_cast<T>(x); });
    case Word::kI8: return load_as<T, std::int8_t>(from, stride, n, out, [](std::int8_t x) { return static_cast<T>(x); });
    case Word::kBOOL: return load_as<T, std::uint8_t>(from, stride, n, out, [](std::uint8_t x) { return static_cast<T>(x != 0); });
    }
}

void store(Word type, void* to, const float* in, int n) {
    switch (type) {
    case Word::kF32: return store_as<float>(to, in, n, [](float x) { return x; });
    case Word::kF16: return store_as<std::uint16_t>(to, in, n, half_of_float);
    case Word::kBF16: return store_as<std::uint16_t>(to, in, n, bfloat_of_float);
    case Word::kI32: return store_as<std::int32_t>(to, in, n, int_of_float);
    case Word::kI64: return store_as<std::int64_t>(to, in, n, long_of_float);
    case Word::kU8: return store_as<std::uint8_t>(to, in, n, [](float x) { return static_cast<std::uint8_t>(static_cast<std::int32_t>(bounded(x, 0.0f, 255.0f))); });
    case Word::kI8: return store_as<std::int8_t>(to, in, n, [](float x) { return static_cast<std::int8_t>(static_cast<std::int32_t>(bounded(x, -128.0f, 127.0f))); });
    case Word::kBOOL: return store_as<std::uint8_t>(to, in, n, [](float x) { return static_cast<std::uint8_t>(x != 0.0f); });
    }
}

//! Integers are never stored as floating point: such a program is computed in float.
template <typename T>
void store(Word type, void* to, const T* in, int n) {
    switch (type) {
    case Word::kI64: return store_as<std::int64_t>(to, in, n, [](T x) { return static_cast<std::int64_t>(x); });
    case Word::kU8: return store_as<std::uint8_t>(to, in, n, [](T x) { return static_cast<std::uint8_t>(bounded_int<T>(x, 0, 255)); });
    case Word::kI8: return store_as<std::int8_t>(to, in, n, [](T x) { return static_cast<std::int8_t>(bounded_int<T>(x, -128, 127)); });
    case Word::kBOOL: return store_as<std::uint8_t>(to, in, n, [](T x) { return static_cast<std::uint8_t>(x != 0); });
    default: return store_as<std::int32_t>(to, in, n, [](T x) { return static_cast<std::int32_t>(x); });
    }
}

template <typename T>
const T* argument(const ChunkTask<T>& task, const PointwiseArg& arg) {
    switch (arg.kind) {
    case PointwiseArg::Kind::kVALUE: return arg.index == 0 ? task.value : task.memory->results[arg.index - 1];
    case PointwiseArg::Kind::kOPERAND: return task.operands[arg.index];
    case PointwiseArg::Kind::kIMMEDIATE: break;
    }
    return task.memory->immediate;
}

void apply(PointwiseOp op, int n, float* r, const float* a, const float* b, const float* c) { slot(op, n, r, a, b, c); }
template <typename T>
void apply(PointwiseOp op, int n, T* r, const T* a, const T* b, const T* c) {
    slot_int(op, n, r, a, b, c);
}

template <typename T>
void run(const ChunkTask<T>& task) {
    for (int s = 0; s < task.slot_count; ++s) {
        const PointwiseSlot& now = task.slots[s];
        for (int i = 0; i < task.count; ++i) task.memory->immediate[i] = number_of<T>(now.immediate);
        apply(now.op, task.count, task.memory->results[s], argument(task, now.a), argument(task, now.b), argument(task, now.c));
    }
    store(task.out_type, task.out, task.memory->results[task.slot_count - 1], task.count);
}

// --- Rows.

constexpr int kLanes = 16;

//! NaN is passed over: the differences bring it in.
inline float larger(float a, float b) { return b > a ? b : a; }

inline float largest_of(const float* x, int n) {
    float lanes[kLanes];
    for (int l = 0; l < kLanes; ++l) lanes[l] = -kInfinity;
    int i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) lanes[l] = larger(lanes[l], x[i + l]);
    }
    for (int l = 0; i < n; ++i, ++l) lanes[l] = larger(lanes[l], x[i]);
    for (int half = kLanes / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; ++l) lanes[l] = larger(lanes[l], lanes[l + half]);
    }
    return lanes[0];
}

inline float sum_of(const float* x, int n) {
    float lanes[kLanes] = {};
    int i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) lanes[l] += x[i + l];
    }
    for (int l = 0; i < n; ++i, ++l) lanes[l] += x[i];
    for (int half = kLanes / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
    }
    return lanes[0];
}

//! exponential() for x <= 0, with 0 for what is below the smallest normal number: a third of the work.
inline float small_exponential(float x) {
    const float bounded = x > -87.0f ? x : -87.0f;
    const float shifted = bounded * 1.44269504089f + 12582912.0f; // the sum's last bits are the nearest integer
    const float k = shifted - 12582912.0f;
    const float r = (bounded - k * 0.693359375f) - k * -2.12194440e-4f;
    const float p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
    const float y = p * r * r + r + 1.0f;
    const float power = from_bits(to_bits(y) + (to_bits(shifted) << 23));
    return x > -87.0f ? power : x != x ? x : 0.0f;
}

void softmax_row(const SoftmaxTask& task, const float* x, float* values, void* y) {
    const int n = task.length;
    const float largest = largest_of(x, n);
    for (int i = 0; i < n; ++i) values[i] = small_exponential(x[i] - largest);
    const float sum = sum_of(values, n);
    if (task.log) {
        const float logarithm_of_sum = logarithm(sum);
        for (int i = 0; i < n; ++i) values[i] = x[i] - largest - logarithm_of_sum;
    } else {
        const float factor = 1.0f / sum;
        for (int i = 0; i < n; ++i) values[i] *= factor;
    }
    store(task.out_type, y, values, n);
}

} // namespace

void run_chunk(const ChunkTask<float>& task) { run(task); }
void run_chunk(const ChunkTask<std::int32_t>& task) { run(task); }
void run_chunk(const ChunkTask<std::int64_t>& task) { run(task); }
void load_chunk(Word type, const void* from, std::int64_t stride, int count, float* out) { load(type, from, stride, count, out); }
void load_chunk(Word type, const void* from, std::int64_t stride, int count, std::int32_t* out) { load(type, from, stride, count, out); }
void load_chunk(Word type, const void* from, std::int64_t stride, int count, std::int64_t* out) { load(type, from, stride, count, out); }

void softmax_rows(const SoftmaxTask& task) {
    alignas(64) float x[kChunk], values[kChunk];
    const std::int64_t in = bytes_of(task.in_type) * task.length, out = bytes_of(task.out_type) * task.length;
    for (std::int64_t row = 0; row < task.rows; ++row) {
        const char* from = static_cast<const char*>(task.x) + row * in;
        if (task.in_type != Word::kF32) load(task.in_type, from, 1, task.length, x);
        softmax_row(task, task.in_type == Word::kF32 ? reinterpret_cast<const float*>(from) : x, values, static_cast<char*>(task.y) + row * out);
    }
}

} // namespace tensorvk::kernels::cpu::TVK_ISA
