// Matrix product: one output element per invocation, any strides, leading axes broadcast. The reference on devices, and what a plan runs
// on a device that it was not tuned for.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/epilogue.glsl"

STORAGE(0, readonly, a)
STORAGE(1, readonly, b)
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)

#include "matrix/places.glsl"
#define HAS_BIAS (P(26) != 0)
#define GENERAL_OPERAND(k) (POINTWISE_USES_##k ? LOAD(op##k, OPERAND_HALF(k), operand_index(OPERAND_MODE(k), index, p)) : 0.0)

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    Place p = place(index);

    float sum = HAS_BIAS ? bias[p.at[4]] : 0.0;
    MANY_ROUNDS(k, 0, K, 1, 8, sum = fma(LOAD(a, IN_HALF, (p.a + k * A_COLUMN)), LOAD(b, FACTOR_HALF, (p.b + k * B_ROW)), sum);)
    if (!POINTWISE_EMPTY)
        sum = pointwise(sum, GENERAL_OPERAND(0), GENERAL_OPERAND(1), GENERAL_OPERAND(2), GENERAL_OPERAND(3));
    STORE(y, OUT_HALF, index, sum)
}
