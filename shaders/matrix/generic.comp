// Matrix product: one output element per invocation, any strides, leading axes broadcast. The reference on devices, and what a plan runs
// on a device that it was not tuned for.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "matrix/finish.glsl"

STORAGE(0, readonly, a)
STORAGE(1, readonly, b)

#ifdef GIVEN // of each sixteen elements of a row of `a`, which are dense
layout(set = 0, binding = 8) readonly buffer Moments { vec2 given[]; };
#endif
#define NORMALIZED (G(3) != 0)
#define CENTRED (G(3) == 2)
#define EPSILON intBitsToFloat(G(4))

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    Place p = place(index);

    // y = (x - mean) / deviation first, where rows are to be normalised.
    float mean = 0.0, scale = 1.0;
#ifdef GIVEN
    int parts = K / 16, first = index / N * parts;
    float squares = 0.0;
    if (CENTRED) {
        for (int i = 0; i < parts; ++i) mean += given[first + i].x / float(parts);
    }
    for (int i = 0; i < parts; ++i) {
        float difference = given[first + i].x - mean;
        squares += given[first + i].y + 16.0 * difference * difference;
    }
    scale = 1.0 / sqrt(squares / float(K) + EPSILON);
#else
    if (CENTRED) {
        MANY_ROUNDS(k, 0, K, 1, 8, mean += LOAD(a, IN_HALF, (p.a + k * A_COLUMN));)
        mean /= float(K);
    }
    if (NORMALIZED) {
        float squares = 0.0;
        MANY_ROUNDS(k, 0, K, 1, 8, float difference = LOAD(a, IN_HALF, (p.a + k * A_COLUMN)) - mean; squares = fma(difference, difference, squares);)
        scale = 1.0 / sqrt(squares / float(K) + EPSILON);
    }
#endif
    float sum = 0.0;
    MANY_ROUNDS(k, 0, K, 1, 8, sum = fma((LOAD(a, IN_HALF, (p.a + k * A_COLUMN)) - mean) * scale, LOAD(b, FACTOR_HALF, (p.b + k * B_ROW)), sum);)
    store_one(sum, index, p);
}
