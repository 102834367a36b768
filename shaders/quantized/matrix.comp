// Matrix product of 8-bit integers: one word of the output per invocation (up to four elements), any strides and zero points, leading axes
// broadcast. The reference on devices.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"
#include "quantized/epilogue.glsl"
#include "matrix/places.glsl"

layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) readonly buffer B { uint b[]; };
layout(set = 0, binding = 3) buffer Y { uint y[]; };

#define A_ZERO P(26)
#define B_ZERO P(27)

int sum_of(Place p) {
    int sum = parameters[BIAS_AT + p.at[4]];
    MANY_ROUNDS(k, 0, K, 1, 8, sum += (LOAD_BYTE(a, TYPE_X, (p.a + k * A_COLUMN)) - A_ZERO) * (LOAD_BYTE(b, TYPE_W, (p.b + k * B_ROW)) - B_ZERO);)
    return sum;
}

#define OPERAND(k) (POINTWISE_USES_##k ? ELEMENT(op##k, TYPE_OPERAND(k), operand_index(OPERAND_MODE(k), index, p)) : 0.0)

void main() {
    int in_word = elements_per_word(TYPE_Y);
    int word = int(flat_invocation());
    int first = word * in_word;
    if (first >= COUNT) return;
    int bits = 32 / in_word;
    uint packed = first + in_word > COUNT ? y[word] : 0u; // bytes after the last element stay what they are
    for (int i = 0; i < min(in_word, COUNT - first); ++i) {
        int index = first + i;
        Place p = place(index);
        int sum = sum_of(p);
        float value = float(sum);
        if (!POINTWISE_EMPTY) value = pointwise(value, OPERAND(0), OPERAND(1), OPERAND(2), OPERAND(3));
        uint bytes = STORES_SUMS ? uint(sum) : float_to_words(TYPE_Y, value).x;
        packed = in_word == 1 ? bytes : bitfieldInsert(packed, bytes, i * bits, bits);
    }
    y[word] = packed;
}
