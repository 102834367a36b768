// Numbers of any type in memory and what is computed in, for chunk_functions.inl, inside its namespace.
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

//! x / d to the nearest integer, halves to even, as bytes; false: not here, or not for this type. Of plain loops compilers make twice the instructions: bounds
//! become masks.
bool quantize(Word type, void* to, const float* x, int n, float d) {
#ifdef __AVX512BW__
    if (type != Word::kI8 && type != Word::kU8) return false;
    const __m512 least = _mm512_set1_ps(type == Word::kI8 ? -128.0f : 0.0f), most = _mm512_set1_ps(type == Word::kI8 ? 127.0f : 255.0f);
    const __m512 divisor = _mm512_set1_ps(d), whole = _mm512_set1_ps(12582912.0f); // beside 1.5 * 2^23 a float's last bits are the nearest integer
    for (int i = 0; i < n; i += 16) {
        const auto there = static_cast<__mmask16>(n - i >= 16 ? 0xffff : (1 << (n - i)) - 1);
        const __m512 q = _mm512_maskz_div_ps(there, _mm512_maskz_loadu_ps(there, x + i), divisor);
        const __m512 number = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(q, q, _CMP_ORD_Q), q); // NaN is 0
        const __m512 bounded = _mm512_maskz_max_ps(there, _mm512_maskz_min_ps(there, number, most), least);
        _mm512_mask_cvtepi32_storeu_epi8(static_cast<char*>(to) + i, there, _mm512_castps_si512(_mm512_add_ps(bounded, whole)));
    }
    return true;
#else
    return (void)type, (void)to, (void)x, (void)n, (void)d, false;
#endif
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
