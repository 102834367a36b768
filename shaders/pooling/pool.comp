// Maximum or average over windows of one to three spatial axes (missing ones have extent 1). One output element per invocation, any
// layout; with VEC4 four neighbouring channels of channels-last memory, with WIDE maxima of sixteen bytes of them: eight halves or
// sixteen 8-bit integers. BYTES: maxima of int8 or uint8, a word of four per invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#ifdef BYTES
#include "common/words.glsl"
#endif
#ifdef WIDE
layout(set = 0, binding = 0) readonly buffer X { uvec4 x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { uvec4 y[]; };
#elif defined(BYTES)
layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) buffer Y { uint y[]; };
#else
#include "common/storage.glsl"
STORAGE(0, readonly, x)
STORAGE(1, writeonly, y)
#endif

#define COUNT P(0) // of invocations; of BYTES one by one: of elements
#define CHANNELS P(1)
#define OUT ivec3(P(2), P(3), P(4))
#define IN ivec3(P(5), P(6), P(7))
#define PRE ivec3(P(8), P(9), P(10))
#define POST ivec3(P(11), P(12), P(13))
#define IN_PICTURE P(14) // from one picture to the next and from pixel to pixel, in units of channels: the pixels of a part of a larger value have gaps
#define IN_PIXEL P(15)

#define EXCLUDE_PADDING (G(1) != 0)
#define IN_HALF ((G(2) & 1) != 0)
#define OUT_HALF ((G(2) & 2) != 0)
#define IN_LAST (G(3) != 0)
#define OUT_LAST (G(4) != 0)
#define WINDOW ivec3(G(5), G(6), G(7))
#define STRIDE ivec3(G(8), G(9), G(10))
#define DILATION ivec3(G(11), G(12), G(13))

#define TYPE G(2) // of bytes

// A unit of channels: VALUE, how it is read and written, and how two are joined.
#if defined(WIDE) && defined(BYTES)
#define VALUE uvec4
#define CHANNELS_TOGETHER 16
// With their upper bit turned over signed bytes are in the order of unsigned ones.
#define FLIP (TYPE == TYPE_I8 ? 0x80808080u : 0u)
#define READ(i) (x[i] ^ FLIP)
#define WRITE(i, value) y[i] = value ^ FLIP;
#define LOWEST uvec4(0u)
// The larger of each byte: a byte's upper bit says whether its lower seven are at least as large, which no borrow passes.
uvec4 larger(uvec4 a, uvec4 b) {
    uvec4 lower = ((a & 0x7f7f7f7fu) | 0x80808080u) - (b & 0x7f7f7f7fu);
    uvec4 at_least = ((a & ~b) | (~(a ^ b) & lower)) & 0x80808080u;
    uvec4 mask = (at_least >> 7) * 255u;
    return (a & mask) | (b & ~mask);
}
#define JOIN(a, b) larger(a, b)
#elif defined(WIDE)
#define VALUE mat2x4
#define CHANNELS_TOGETHER 8
mat2x4 floats_of(uvec4 u) { return mat2x4(vec4(unpackHalf2x16(u.x), unpackHalf2x16(u.y)), vec4(unpackHalf2x16(u.z), unpackHalf2x16(u.w))); }
#define READ(i) floats_of(x[i])
#define WRITE(i, v) y[i] = uvec4(packHalf2x16(v[0].xy), packHalf2x16(v[0].zw), packHalf2x16(v[1].xy), packHalf2x16(v[1].zw));
#define LOWEST mat2x4(vec4(uintBitsToFloat(0xff800000u)), vec4(uintBitsToFloat(0xff800000u)))
#define JOIN(a, b) mat2x4(max(a[0], b[0]), max(a[1], b[1]))
#else
#ifdef BYTES
uint byte_of(float value) { return float_to_words(TYPE, value).x; }
#endif
#define LOWEST VALUE(uintBitsToFloat(0xff800000u))
#define JOIN(a, b) (AVERAGE ? a + b : max(a, b))
#ifdef VEC4
#define VALUE vec4
#define CHANNELS_TOGETHER 4
#ifdef BYTES
#define BYTE_AT(i, k) words_to_float(TYPE, uvec2(bitfieldExtract(x[i], 8 * k, 8), 0u))
#define READ(i) vec4(BYTE_AT(i, 0), BYTE_AT(i, 1), BYTE_AT(i, 2), BYTE_AT(i, 3))
#define WRITE(i, value) y[i] = byte_of(value.x) | byte_of(value.y) << 8 | byte_of(value.z) << 16 | byte_of(value.w) << 24;
#else
#define READ(i) LOAD4(x, IN_HALF, i)
#define WRITE(i, value) STORE4(y, OUT_HALF, i, value)
#endif
#else
#define VALUE float
#ifdef BYTES
#define READ(i) words_to_float(TYPE, LOAD_WORDS(x, TYPE, i))
#else
#define READ(i) LOAD(x, IN_HALF, i)
#endif
#define WRITE(i, value) STORE(y, OUT_HALF, i, value)
#endif
#endif
#ifdef CHANNELS_TOGETHER
#define LAST(flag) true
#define PARTS (CHANNELS / CHANNELS_TOGETHER)
#else
#define LAST(flag) flag
#define PARTS CHANNELS
#endif
#ifdef WIDE
#define AVERAGE false
#else
#define AVERAGE (G(0) != 0)
#endif

int split(inout int rest, int extent) {
    int outer = quick_div(rest, extent);
    int at = rest - outer * extent;
    rest = outer;
    return at;
}

// First and last + 1 window element that lies in 0 .. limit - 1 along one axis.
int first_inside(int start, int dilation) { return start >= 0 ? 0 : (dilation - 1 - start) / dilation; }
int end_inside(int start, int dilation, int window, int limit) { return clamp((limit - start + dilation - 1) / dilation, 0, window); }

VALUE pooled(int index) {
    int rest = index;
    int c = LAST(OUT_LAST) ? split(rest, PARTS) : 0;
    ivec3 o;
    o.z = split(rest, OUT.z);
    o.y = OUT.y == 1 ? 0 : split(rest, OUT.y);
    o.x = OUT.x == 1 ? 0 : split(rest, OUT.x);
    if (!LAST(OUT_LAST)) c = split(rest, PARTS);
    int n = rest;

    ivec3 start = o * STRIDE - PRE;
    ivec3 low, high;
    for (int a = 0; a < 3; ++a) {
        low[a] = first_inside(start[a], DILATION[a]);
        high[a] = end_inside(start[a], DILATION[a], WINDOW[a], IN[a]);
    }
    int base = n * IN_PICTURE + (LAST(IN_LAST) ? c : c * IN.x * IN.y * IN.z);

    VALUE r = AVERAGE ? VALUE(0) : LOWEST;
    for (int i = low.x; i < high.x; ++i) {
        for (int j = low.y; j < high.y; ++j) {
            int row = ((start.x + i * DILATION.x) * IN.y + start.y + j * DILATION.y) * IN.z + start.z;
            for (int k = low.z; k < high.z; ++k) {
                r = JOIN(r, READ(base + (row + k * DILATION.z) * IN_PIXEL));
            }
        }
    }
#ifndef WIDE
    if (AVERAGE) {
        if (!EXCLUDE_PADDING) { // a window that rounding up moved beyond the padding counts up to the padding's end
            for (int a = 0; a < 3; ++a) {
                low[a] = 0;
                high[a] = end_inside(start[a], DILATION[a], WINDOW[a], IN[a] + POST[a]);
            }
        }
        ivec3 extent = max(high - low, ivec3(0));
        r *= 1.0 / float(max(extent.x * extent.y * extent.z, 1));
    }
#endif
    return r;
}

void main() {
    int index = int(flat_invocation());
#if defined(BYTES) && !defined(CHANNELS_TOGETHER)
    int first = 4 * index;
    if (first >= COUNT) return;
    uint word = first + 4 > COUNT ? y[index] : 0u; // bytes after the last element stay what they are
    for (int i = 0; i < min(4, COUNT - first); ++i) word = bitfieldInsert(word, byte_of(pooled(first + i)), 8 * i, 8);
    y[index] = word;
#else
    if (index >= COUNT) return;
    VALUE r = pooled(index);
    WRITE(index, r)
#endif
}
