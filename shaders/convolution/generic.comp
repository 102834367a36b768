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

#define COUNT P(0)
#define OUT_CHANNELS P(1)
#define OUT ivec3(P(2), P(3), P(4))
#define IN_CHANNELS P(5)
#define IN ivec3(P(6), P(7), P(8))
#define GROUPS P(9)
#define KERNEL ivec3(P(10), P(11), P(12))
#define STRIDE ivec3(P(13), P(14), P(15))
#define DILATION ivec3(P(16), P(17), P(18))
#define PRE ivec3(P(19), P(20), P(21))
#define IN_CHANNELS_LAST (P(22) != 0)
#define OUT_CHANNELS_LAST (P(23) != 0)
#define HAS_BIAS (P(24) != 0)

struct Place {
    int n, c;
    ivec3 at;
};

Place place(int index, ivec3 extent, int channels, bool channels_last) {
    Place p;
    if (channels_last) { p.c = index % channels; index /= channels; }
    p.at.z = index % extent.z; index /= extent.z;
    p.at.y = index % extent.y; index /= extent.y;
    p.at.x = index % extent.x; index /= extent.x;
    if (!channels_last) { p.c = index % channels; index /= channels; }
    p.n = index;
    return p;
}

int spatial(ivec3 at, ivec3 extent) { return (at.x * extent.y + at.y) * extent.z + at.z; }

int operand_index(int mode, int same, Place p, ivec3 extent, int channels) {
    int kind = mode >> 6;
    if (kind != 0) return kind == KIND_SAME ? same : kind == KIND_CHANNEL ? p.c : 0;
    ivec3 full = ivec3((mode >> 2) & 1, (mode >> 3) & 1, (mode >> 4) & 1);
    ivec3 e = mix(ivec3(1), extent, equal(full, ivec3(1)));
    int n = (mode & 1) != 0 ? p.n : 0;
    int c = (mode & 2) != 0 ? p.c : 0;
    int channel_count = (mode & 2) != 0 ? channels : 1;
    int s = spatial(p.at * full, e);
    int plane = e.x * e.y * e.z;
    return (mode & 32) != 0 ? (n * plane + s) * channel_count + c : (n * channel_count + c) * plane + s;
}

#define GENERAL_OPERAND(k) (POINTWISE_USES_##k ? LOAD(op##k, OPERAND_HALF(k), operand_index(OPERAND_MODE(k), index, p, OUT, OUT_CHANNELS)) : 0.0)

// The input position that kernel element k reads; false: outside, or between two elements of a transposed convolution.
bool source(ivec3 o, ivec3 k, out ivec3 at) {
#ifdef TRANSPOSED
    ivec3 spread = o + PRE - k * DILATION;
    at = spread / STRIDE;
    return all(greaterThanEqual(spread, ivec3(0))) && at * STRIDE == spread && all(lessThan(at, IN));
#else
    at = o * STRIDE - PRE + k * DILATION;
    return all(greaterThanEqual(at, ivec3(0))) && all(lessThan(at, IN));
#endif
}

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
        for (int c = 0; c < group_in; ++c) {
            sum = fma(LOAD(x, IN_HALF, xi), weights[wi], sum);
            xi += x_step;
            wi += weight_step;
        }
    }
    if (!POINTWISE_EMPTY)
        sum = pointwise(sum, GENERAL_OPERAND(0), GENERAL_OPERAND(1), GENERAL_OPERAND(2), GENERAL_OPERAND(3));
    STORE(y, OUT_HALF, index, sum)
}
