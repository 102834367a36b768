// What becomes of finished sums: bias, epilogue and store. The kernel has bindings `bias` and `y`.
#ifndef TENSORVK_MATRIX_FINISH
#define TENSORVK_MATRIX_FINISH

#include "common/epilogue.glsl"
#include "matrix/places.glsl"

#define HAS_BIAS (P(26) != 0)
#define OUTPUT_VECTORS (N % 4 == 0) // rows begin at multiples of four elements

layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)

#define OPERAND_AT(k, i) LOAD(op##k, OPERAND_HALF(k), operand_beside(OPERAND_MODE(k), index, p, i))
int operand_beside(int mode, int index, Place p, int columns) {
    p.at[4] += columns;
    return operand_index(mode, index + columns, p);
}

// `index`: the element of the result at p.
#define ONE_OPERAND(k) (POINTWISE_USES_##k ? OPERAND_AT(k, 0) : 0.0)
void store_one(float value, int index, Place p) {
    if (HAS_BIAS) value += bias[p.at[4]];
    if (!POINTWISE_EMPTY) value = pointwise(value, ONE_OPERAND(0), ONE_OPERAND(1), ONE_OPERAND(2), ONE_OPERAND(3));
    STORE(y, OUT_HALF, index, value)
}

// Four neighbouring columns, of which those beyond the last are not there; the first one counts as a multiple of four.
#define GATHERED(k)                                                                                                         \
    (!POINTWISE_USES_##k ? vec4(0.0)                                                                                        \
                         : vec4(OPERAND_AT(k, 0), last < 1 ? 0.0 : OPERAND_AT(k, 1), last < 2 ? 0.0 : OPERAND_AT(k, 2), last < 3 ? 0.0 : OPERAND_AT(k, 3)))
#define FOUR_OPERANDS(k) (OUTPUT_VECTORS && OPERAND_KIND(k) != 0 ? OPERAND4(k, index, p.at[4]) : GATHERED(k))
void store_four(vec4 value, int index, Place p) {
    int last = N - 1 - p.at[4];
    if (HAS_BIAS) {
        [[unroll]] for (int i = 0; i < 4; ++i) value[i] += bias[p.at[4] + min(i, last)];
    }
    if (!POINTWISE_EMPTY) value = pointwise(value, FOUR_OPERANDS(0), FOUR_OPERANDS(1), FOUR_OPERANDS(2), FOUR_OPERANDS(3));
    if (OUTPUT_VECTORS) {
        STORE4(y, OUT_HALF, index >> 2, value)
    } else {
        STORE(y, OUT_HALF, index, value.x)
        if (last >= 1) STORE(y, OUT_HALF, index + 1, value.y)
        if (last >= 2) STORE(y, OUT_HALF, index + 2, value.z)
        if (last >= 3) STORE(y, OUT_HALF, index + 3, value.w)
    }
}

#endif
