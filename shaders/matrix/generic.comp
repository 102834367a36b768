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

#define COUNT P(0)
#define M P(1)
#define N P(2)
#define K P(3)
#define A_ROW P(4)
#define A_COLUMN P(5)
#define B_ROW P(6)
#define B_COLUMN P(7)
// Leading axes of the result, outermost first, and the factors' strides along them.
#define BATCH int[6](P(8), P(9), P(10), P(11), P(12), P(13))
#define A_BATCH int[6](P(14), P(15), P(16), P(17), P(18), P(19))
#define B_BATCH int[6](P(20), P(21), P(22), P(23), P(24), P(25))
#define HAS_BIAS (P(26) != 0)

// An operand that extends along any of the last five axes: bit i of its mode = axis i of those.
int operand_index(int mode, int same, int at[5], int extent[5]) {
    int kind = mode >> 6;
    if (kind != 0) return kind == KIND_SAME ? same : kind == KIND_CHANNEL ? at[4] : 0;
    int index = 0;
    for (int axis = 0; axis < 5; ++axis) {
        if ((mode & (1 << axis)) != 0) index = index * extent[axis] + at[axis];
    }
    return index;
}

#define GENERAL_OPERAND(k) (POINTWISE_USES_##k ? LOAD(op##k, OPERAND_HALF(k), operand_index(OPERAND_MODE(k), index, at, extent)) : 0.0)

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int row = index / N % M;
    int column = index % N;
    int rest = index / N / M;

    int batch[6] = BATCH;
    int a_batch[6] = A_BATCH;
    int b_batch[6] = B_BATCH;
    int ai = row * A_ROW;
    int bi = column * B_COLUMN;
    int at[5] = int[5](0, 0, 0, row, column);
    int extent[5] = int[5](batch[3], batch[4], batch[5], M, N);
    for (int axis = 5; axis >= 0; --axis) {
        int i = rest % batch[axis];
        rest /= batch[axis];
        ai += i * a_batch[axis];
        bi += i * b_batch[axis];
        if (axis >= 3) at[axis - 3] = i;
    }

    float sum = HAS_BIAS ? bias[column] : 0.0;
    for (int k = 0; k < K; ++k) {
        sum = fma(LOAD(a, IN_HALF, ai), LOAD(b, FACTOR_HALF, bi), sum);
        ai += A_COLUMN;
        bi += B_ROW;
    }
    if (!POINTWISE_EMPTY)
        sum = pointwise(sum, GENERAL_OPERAND(0), GENERAL_OPERAND(1), GENERAL_OPERAND(2), GENERAL_OPERAND(3));
    STORE(y, OUT_HALF, index, sum)
}
