// Functions of a float, for chunk_functions.inl, inside its namespace: without branches, so that loops over them become vectors. Formulas as in
// shaders/common/pointwise_math.glsl, where their sources stand.
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
//! The quotient may be off by rounding, which floor would turn into a whole unit. The remainder is not: a double holds products of floats.
inline float floor_quotient(float a, float b) {
    const float q = floored(a / b);
    const auto remainder = static_cast<float>(static_cast<double>(a) - static_cast<double>(q) * static_cast<double>(b));
    const float r = remainder * (b > 0.0f ? 1.0f : -1.0f);
    return r >= magnitude(b) ? q + 1.0f : r < 0.0f ? q - 1.0f : q;
}
inline float truth(bool b) { return b ? 1.0f : 0.0f; }
