// Convolution, and with TRANSPOSED its transpose, over one to three axes: one output element per invocation, any layout, groups, strides
// and dilations, weights in ONNX's order. The reference on devices, and what a plan runs on a device that it was not tuned for.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/epilogue.glsl"

STORAGE(0, readonly, x)
layout(set = 0, binding = 1) readonly buffer Weights { float weights[]; };
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)

#include "convolution/places.glsl"
#define HAS_BIAS (P(24) != 0)
#define GENERAL_OPERAND(k) (POINTWISE_USES_##k ? LOAD(op##k, OPERAND_HALF(k), operand_index(OPERAND_MODE(k), index, p, OUT, OUT_CHANNELS)) : 0.0)

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    Place p = place(index, OUT, OUT_CHANNELS, OUT_CHANNELS_LAST);

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

    float sum = HAS_BIAS ? bias[p.c] : 0.0;
    for (int tap = 0; tap < taps; ++tap) {
        ivec3 k = ivec3(tap / (KERNEL.z * KERNEL.y), tap / KERNEL.z % KERNEL.y, tap % KERNEL.z);
        ivec3 at;
        if (!source(p.at, k, at)) continue;
        int s = spatial(at, IN);
        int xi = IN_CHANNELS_LAST ? (p.n * plane + s) * IN_CHANNELS + group * group_in : (p.n * IN_CHANNELS + group * group_in) * plane + s;
        int wi = weight_first + tap;
        MANY_ROUNDS(c, 0, group_in, 1, 8, sum = fma(LOAD(x, IN_HALF, (xi + c * x_step)), weights[wi + c * weight_step], sum);)
    }
    if (!POINTWISE_EMPTY)
        sum = pointwise(sum, GENERAL_OPERAND(0), GENERAL_OPERAND(1), GENERAL_OPERAND(2), GENERAL_OPERAND(3));
    STORE(y, OUT_HALF, index, sum)
}
