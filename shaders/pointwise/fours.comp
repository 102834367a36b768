// out = program(value; operands), four neighbouring elements per invocation, in buffers of 32-bit words, so that types below 32 bits need no storage
// feature. What is read lies as the output does, or is one element for all of it. The count is a multiple of four.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"
#define PW_QUANTIZES
#include "common/pointwise.glsl"
#include "common/words.glsl"

#define FOURS(slot, access, name)                                              \
    layout(binding = slot) access buffer name##W { uint name##_words[]; };     \
    layout(binding = slot) access buffer name##W2 { uvec2 name##_pairs[]; };   \
    layout(binding = slot) access buffer name##W4 { uvec4 name##_fours[]; };

FOURS(0, readonly, value)
FOURS(1, readonly, op0)
FOURS(2, readonly, op1)
FOURS(3, readonly, op2)
FOURS(4, readonly, op3)
FOURS(5, writeonly, result)

#define COUNT P(0)
// G(0): 4 bits per tensor: value, operands 0 .. 3, output. G(1): a bit for each that is one element.
#define TYPE(tensor) ((G(0) >> (4 * (tensor))) & 15)
#define IS_ONE(tensor) (((G(1) >> (tensor)) & 1) != 0)

vec4 halves_to_floats(uvec2 w) { return vec4(unpackHalf2x16(w.x), unpackHalf2x16(w.y)); }

vec4 bytes_to_floats(int type, uint w) {
    ivec4 signed_bytes = ivec4(bitfieldExtract(int(w), 0, 8), bitfieldExtract(int(w), 8, 8), bitfieldExtract(int(w), 16, 8), bitfieldExtract(int(w), 24, 8));
    return vec4(type == TYPE_I8 ? signed_bytes : signed_bytes & 255);
}

#define READ(name, tensor)                                                                                         \
    (IS_ONE(tensor) ? vec4(words_to_float(TYPE(tensor), LOAD_WORDS(name##_words, TYPE(tensor), 0)))                \
     : TYPE(tensor) == TYPE_F32 ? uintBitsToFloat(name##_fours[at])                                                \
     : TYPE(tensor) == TYPE_F16 ? halves_to_floats(name##_pairs[at])                                               \
                                : bytes_to_floats(TYPE(tensor), name##_words[at]))
#define OPERAND(k, tensor) (POINTWISE_USES_##k ? READ(op##k, tensor) : vec4(0.0))

void main() {
    int at = int(flat_invocation());
    if (4 * at >= COUNT) return;
    vec4 r = pointwise(READ(value, 0), OPERAND(0, 1), OPERAND(1, 2), OPERAND(2, 3), OPERAND(3, 4));
    if (TYPE(5) == TYPE_F32) result_fours[at] = floatBitsToUint(r);
    else if (TYPE(5) == TYPE_F16) result_pairs[at] = uvec2(packHalf2x16(r.xy), packHalf2x16(r.zw));
    else result_words[at] = pw_bytes(TYPE(5) == TYPE_I8, r);
}
