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

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    Place p = place(index);

    float sum = 0.0;
    MANY_ROUNDS(k, 0, K, 1, 8, sum = fma(LOAD(a, IN_HALF, (p.a + k * A_COLUMN)), LOAD(b, FACTOR_HALF, (p.b + k * B_ROW)), sum);)
    store_one(sum, index, p);
}
