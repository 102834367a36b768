// Convolution of 8-bit integers, and with TRANSPOSED its transpose: one word of the output per invocation (up to four elements), so that no
// storage feature is needed. Any layout, zero points, groups, strides and dilations. The reference on devices.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"
#include "quantized/epilogue.glsl"
#include "convolution/places.glsl"

layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) readonly buffer Weights { uint weights[]; };
layout(set = 0, binding = 3) buffer Y { uint y[]; };

#define X_ZERO P(24)
#define W_ZERO P(25)

int sum_of(Place p) {
    int group_in = IN_CHANNELS / GROUPS;
    int group_out = OUT_CHANNELS / GROUPS;
    int group = p.c / group_out;
    int plane = IN.x * IN.y * IN.z;
    int taps = KERNEL.x * KERNEL.y * KERNEL.z;
#ifdef TRANSPOSED
    int weight_first = (group * group_in * group_out + p.c % group_out) * taps;
    int weight_step = group_out * taps;
#else
    int weight_first = p.c * group_in * taps;
    int weight_step = taps;
#endif
    int x_step = IN_CHANNELS_LAST ? 1 : plane;
    int sum = parameters[BIAS_AT + p.c];
    for (int tap = 0; tap < taps; ++tap) {
        ivec3 k = ivec3(tap / (KERNEL.z * KERNEL.y), tap / KERNEL.z % KERNEL.y, tap % KERNEL.z);
        ivec3 at;
        if (!source(p.at, k, at)) continue;
        int s = spatial(at, IN);
        int xi = IN_CHANNELS_LAST ? (p.n * plane + s) * IN_CHANNELS + group * group_in : (p.n * IN_CHANNELS + group * group_in) * plane + s;
        int wi = weight_first + tap;
        MANY_ROUNDS(c, 0, group_in, 1, 8,
            sum += (LOAD_BYTE(x, TYPE_X, (xi + c * x_step)) - X_ZERO) * (LOAD_BYTE(weights, TYPE_W, (wi + c * weight_step)) - W_ZERO);)
    }
    return sum;
}

#define OPERAND(k) \
    (POINTWISE_USES_##k ? ELEMENT(op##k, TYPE_OPERAND(k), operand_index(OPERAND_MODE(k), index, p, OUT, OUT_CHANNELS)) : 0.0)

void main() {
    int in_word = elements_per_word(TYPE_Y);
    int word = int(flat_invocation());
    int first = word * in_word;
    if (first >= COUNT) return;
    int bits = 32 / in_word;
    uint packed = first + in_word > COUNT ? y[word] : 0u; // bytes after the last element stay what they are
    for (int i = 0; i < min(in_word, COUNT - first); ++i) {
        int index = first + i;
        Place p = place(index, OUT, OUT_CHANNELS, OUT_CHANNELS_LAST);
        int sum = sum_of(p);
        float value = float(sum);
        if (!POINTWISE_EMPTY) value = pointwise(value, OPERAND(0), OPERAND(1), OPERAND(2), OPERAND(3));
        uint bytes = STORES_SUMS ? uint(sum) : float_to_words(TYPE_Y, value).x;
        packed = in_word == 1 ? bytes : bitfieldInsert(packed, bytes, i * bits, bits);
    }
    y[word] = packed;
}
