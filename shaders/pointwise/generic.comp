// out = program(value; operands), element by element, for any layouts, numpy broadcasting and element types. One 32-bit word of the output
// per invocation (up to four elements), so that types below 32 bits need no storage feature. INT32, INT64: arithmetic in that integer type
// instead of float.
//
// The output's axes are in memory order, slowest first. What is read follows from one constant per input: its own memory order as
// indices of the output's axes, and along which of them it extends.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"
#define PW_QUANTIZES
#include "common/pointwise.glsl"
#include "common/words.glsl"

layout(binding = 0) readonly buffer Value { uint value[]; };
layout(binding = 1) readonly buffer Operand0 { uint op0[]; };
layout(binding = 2) readonly buffer Operand1 { uint op1[]; };
layout(binding = 3) readonly buffer Operand2 { uint op2[]; };
layout(binding = 4) readonly buffer Operand3 { uint op3[]; };
layout(binding = 5) buffer Output { uint result[]; };

#define COUNT P(0)
#define EXTENTS int[](P(1), P(2), P(3), P(4), P(5), P(6), P(7), P(8))
// G(0): 4 bits per tensor: value, operands 0 .. 3, output. G(1) .. G(5): how value and operands lie:
// bits 3 j .. 3 j + 2: the output's axis at place j, slowest first; bit 24 + axis: extends along that axis. G(6): number of axes.
#define TYPE(tensor) ((G(0) >> (4 * (tensor))) & 15)
#define AXES G(6)

#if defined(INT64)
#include "pointwise/long.glsl"
#elif defined(INT32)
#include "pointwise/int.glsl"
#endif
#ifdef INT
#include "pointwise/integer.glsl"
INT words_to_int(int type, uvec2 w) {
#ifdef INT64
    if (type == TYPE_I64) return w;
#endif
    return int_of(type == TYPE_I8 ? bitfieldExtract(int(w.x), 0, 8) : type == TYPE_BOOL ? int(w.x != 0u) : int(w.x));
}
uvec2 int_to_words(int type, INT x) {
    if (type == TYPE_BOOL) return uvec2(x != int_of(0) ? 1u : 0u, 0u);
    if (type == TYPE_U8) return uvec2(uint(clamp(saturated(x), 0, 255)), 0u);
    if (type == TYPE_I8) return uvec2(uint(clamp(saturated(x), -128, 127)) & 255u, 0u);
#ifdef INT64
    return x;
#else
    return uvec2(uint(x), 0u);
#endif
}
#endif

int place_of(int lies, int coordinates[8], int extents[8]) {
    int index = 0;
    [[unroll]] for (int j = 0; j < AXES; ++j) {
        int axis = (lies >> (3 * j)) & 7;
        if (((lies >> (24 + axis)) & 1) != 0) index = index * extents[axis] + coordinates[axis];
    }
    return index;
}

#ifdef INT
#define ARGUMENT(words, tensor, lies) words_to_int(TYPE(tensor), LOAD_WORDS(words, TYPE(tensor), place_of(lies, c, extents)))
#define OPERAND(k, words, tensor, lies) (POINTWISE_USES_##k ? ARGUMENT(words, tensor, lies) : int_of(0))
#define PROGRAM pointwise_int
#define TO_WORDS int_to_words
#else
#define ARGUMENT(words, tensor, lies) words_to_float(TYPE(tensor), LOAD_WORDS(words, TYPE(tensor), place_of(lies, c, extents)))
#define OPERAND(k, words, tensor, lies) (POINTWISE_USES_##k ? ARGUMENT(words, tensor, lies) : 0.0)
#define PROGRAM pointwise
#define TO_WORDS float_to_words
#endif

uvec2 element(int c[8], int extents[8]) {
    return TO_WORDS(TYPE(5), PROGRAM(ARGUMENT(value, 0, G(1)), OPERAND(0, op0, 1, G(2)), OPERAND(1, op1, 2, G(3)),
                                     OPERAND(2, op2, 3, G(4)), OPERAND(3, op3, 4, G(5))));
}

void main() {
    int in_word = elements_per_word(TYPE(5));
    int word = int(flat_invocation());
    int first = word * in_word;
    if (first >= COUNT) return;
    int bits = 32 / in_word;
    uvec2 w = uvec2(0u);
    uint packed = first + in_word > COUNT ? result[word] : 0u; // bytes after the last element stay what they are
    int extents[8] = EXTENTS;
    int c[8]; // of the element
    int index = first;
    [[unroll]] for (int j = 1; j < AXES; ++j) { // upwards: drivers unroll no other loops
        int axis = AXES - j;
        int outer = quick_div(index, extents[axis]);
        c[axis] = index - outer * extents[axis];
        index = outer;
    }
    c[0] = index;
    for (int i = 0; i < min(in_word, COUNT - first); ++i) {
        if (i > 0) { // the next one: counting is quicker than dividing again
            int carry = 1;
            [[unroll]] for (int j = 1; j < AXES; ++j) {
                int axis = AXES - j;
                c[axis] += carry;
                carry = c[axis] == extents[axis] ? 1 : 0;
                c[axis] -= carry * extents[axis];
            }
            c[0] += carry;
        }
        w = element(c, extents);
        packed = in_word == 1 ? w.x : bitfieldInsert(packed, w.x, i * bits, bits);
    }
    if (TYPE(5) == TYPE_I64) {
        result[2 * word] = w.x;
        result[2 * word + 1] = w.y;
    } else {
        result[word] = packed;
    }
}
