// Elements of any type in buffers of 32-bit words: needs no storage feature. Types are constants of the pipeline.
#ifndef TENSORVK_WORDS
#define TENSORVK_WORDS

#define TYPE_F32 0
#define TYPE_F16 1
#define TYPE_BF16 2
#define TYPE_I32 3
#define TYPE_I64 4
#define TYPE_U8 5
#define TYPE_I8 6
#define TYPE_BOOL 7

#define IS_16_BIT(type) ((type) == TYPE_F16 || (type) == TYPE_BF16)

// The words that hold element i: only the first one counts for types of up to 32 bits, which come shifted down.
#define LOAD_WORDS(words, type, i)                                                             \
    ((type) == TYPE_I64 ? uvec2(words[2 * (i)], words[2 * (i) + 1])                            \
     : (type) >= TYPE_U8 ? uvec2(bitfieldExtract(words[(i) >> 2], 8 * ((i) & 3), 8), 0u)       \
     : IS_16_BIT(type) ? uvec2(bitfieldExtract(words[(i) >> 1], 16 * ((i) & 1), 16), 0u)       \
                       : uvec2(words[i], 0u))

float long_to_float(uvec2 w) {
    bool negative = int(w.y) < 0;
    uvec2 magnitude = negative ? uvec2(~w.x + 1u, ~w.y + (w.x == 0u ? 1u : 0u)) : w; // so that the two halves do not cancel
    float value = float(magnitude.y) * 4294967296.0 + float(magnitude.x);
    return negative ? -value : value;
}

float words_to_float(int type, uvec2 w) {
    switch (type) {
    case TYPE_F32: return uintBitsToFloat(w.x);
    case TYPE_F16: return unpackHalf2x16(w.x).x;
    case TYPE_BF16: return uintBitsToFloat(w.x << 16);
    case TYPE_I32: return float(int(w.x));
    case TYPE_I64: return long_to_float(w);
    case TYPE_I8: return float(bitfieldExtract(int(w.x), 0, 8));
    case TYPE_BOOL: return w.x != 0u ? 1.0 : 0.0;
    }
    return float(w.x);
}

// Round to nearest even; NaN stays NaN.
uint float_to_bfloat16(float x) {
    uint bits = floatBitsToUint(x);
    return (bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

// Towards zero; what lies outside saturates, NaN is 0.
int float_to_int(float x) {
    return x >= 2147483648.0 ? 2147483647 : x <= -2147483648.0 ? -2147483647 - 1 : isnan(x) ? 0 : int(x);
}

uvec2 float_to_long(float x) {
    float whole = trunc(x);
    if (abs(whole) < 2147483648.0) return uvec2(uint(int(whole)), whole < 0.0 ? 0xffffffffu : 0u);
    if (whole >= 9223372036854775808.0) return uvec2(0xffffffffu, 0x7fffffffu);
    if (whole <= -9223372036854775808.0) return uvec2(0u, 0x80000000u);
    if (isnan(x)) return uvec2(0u);
    float high = floor(whole / 4294967296.0);
    return uvec2(uint(whole - high * 4294967296.0), uint(int(high)));
}

uvec2 float_to_words(int type, float x) {
    switch (type) {
    case TYPE_F32: return uvec2(floatBitsToUint(x), 0u);
    case TYPE_F16: return uvec2(packHalf2x16(vec2(x, 0.0)) & 0xffffu, 0u);
    case TYPE_BF16: return uvec2(float_to_bfloat16(x), 0u);
    case TYPE_I32: return uvec2(uint(float_to_int(x)), 0u);
    case TYPE_I64: return float_to_long(x);
    case TYPE_I8: return uvec2(uint(float_to_int(clamp(x, -128.0, 127.0))) & 255u, 0u);
    case TYPE_BOOL: return uvec2(x != 0.0 ? 1u : 0u, 0u);
    }
    return uvec2(uint(float_to_int(clamp(x, 0.0, 255.0))), 0u);
}

int elements_per_word(int type) { return type >= TYPE_U8 ? 4 : IS_16_BIT(type) ? 2 : 1; }

#endif
