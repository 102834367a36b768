// out = program(value; operands), four neighbouring elements of float memory per invocation. Axes are in the output's memory order; what is
// read extends along an axis or does not. With more than one axis the innermost extent is a multiple of four. With one
// axis the count may be any, unless WHOLE says that it is a multiple of four: CPU drivers execute both sides of a branch.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#define PW_QUANTIZES
#include "common/pointwise.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, value)
STORAGE(1, readonly, op0)
STORAGE(2, readonly, op1)
STORAGE(3, readonly, op2)
STORAGE(4, readonly, op3)
STORAGE(5, writeonly, result)

#define COUNT P(0)
#define MIDDLE P(1)
#define INNER P(2)
// Strides of tensor t along the outer and the middle axis: P(3 + 2 t), P(4 + 2 t).
#define AXES G(0)
#define IS_HALF(tensor) ((G(1) & (1 << (tensor))) != 0)       // value, operands 0 .. 3, output
#define WHOLE (G(3) != 0)
#define EXTENDS_INNER(tensor) ((G(2) & (1 << (tensor))) != 0) // else one element for the whole innermost axis

#define INDEX(tensor, outer, middle) \
    ((EXTENDS_INNER(tensor) ? at.z : 0) + (AXES > 1 ? at.y * (middle) : 0) + (AXES > 2 ? at.x * (outer) : 0))
#define PART(name, tensor, i, rest) \
    vec4(LOAD(name, IS_HALF(tensor), i), rest > 1 ? LOAD(name, IS_HALF(tensor), i + 1) : 0.0, \
         rest > 2 ? LOAD(name, IS_HALF(tensor), i + 2) : 0.0, 0.0)
#define READ(name, tensor, outer, middle) \
    (!EXTENDS_INNER(tensor) ? vec4(LOAD(name, IS_HALF(tensor), INDEX(tensor, outer, middle))) \
     : rest < 4 ? PART(name, tensor, INDEX(tensor, outer, middle), rest) \
                : LOAD4(name, IS_HALF(tensor), INDEX(tensor, outer, middle) >> 2))
#define OPERAND(k, tensor, outer, middle) (POINTWISE_USES_##k ? READ(op##k, tensor, outer, middle) : vec4(0.0))

void main() {
    int first = 4 * int(flat_invocation());
    if (first >= COUNT) return;
    int rest = WHOLE ? 4 : COUNT - first;
    ivec3 at = ivec3(0, 0, first);
    if (AXES > 1) {
        at.y = quick_div(first, INNER);
        at.z = first - at.y * INNER;
    }
    if (AXES > 2) {
        at.x = quick_div(at.y, MIDDLE);
        at.y -= at.x * MIDDLE;
    }
    vec4 r = pointwise(READ(value, 0, P(3), P(4)), OPERAND(0, 1, P(5), P(6)), OPERAND(1, 2, P(7), P(8)),
                       OPERAND(2, 3, P(9), P(10)), OPERAND(3, 4, P(11), P(12)));
    if (rest >= 4) {
        STORE4(result, IS_HALF(5), first >> 2, r)
    } else {
        for (int i = 0; i < rest; ++i) STORE(result, IS_HALF(5), first + i, r[i])
    }
}
