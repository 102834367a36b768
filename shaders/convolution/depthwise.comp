// Depthwise convolution, channels last: an invocation computes four channels of OUTPUTS neighbouring positions of a line. It loads each
// input of a line once and uses it for all outputs under whose kernel it lies.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/divide.glsl"
#include "common/epilogue.glsl"

STORAGE(0, readonly, x)
STORAGE(1, readonly, weights) // [tap][channels]
layout(set = 0, binding = 2) readonly buffer Bias { vec4 bias[]; };
STORAGE(3, writeonly, y)

#define COUNT P(0)
#define VECTORS P(1) // fours of channels
#define RUNS P(2)    // OUTPUTS positions each, of a line
#define OUT_HEIGHT P(3)
#define OUT_WIDTH P(4)
#define IN_HEIGHT P(5)
#define IN_WIDTH P(6)
#define KERNEL_HEIGHT P(7)
#define LINE_STRIDE P(8)
#define LINE_DILATION P(9)
#define PRE_LINES P(10)
#define PRE_PIXELS P(11)

// Sizes; the choice is for the defaults, which must be positive too.
const int KERNEL_WIDTH = G(4) > 0 ? G(4) : 1;
const int STRIDE = G(5) > 0 ? G(5) : 1;
const int DILATION = G(6) > 0 ? G(6) : 1;
const int OUTPUTS = G(7) > 0 ? G(7) : 1;
const int SPAN = (OUTPUTS - 1) * STRIDE + (KERNEL_WIDTH - 1) * DILATION + 1;

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    ivec2 channel = divide(index, VECTORS);
    ivec2 run = divide(channel.x, RUNS);
    ivec2 line = divide(run.x, OUT_HEIGHT); // picture, line
    int first = run.y * OUTPUTS;
    int from_line = line.y * LINE_STRIDE - PRE_LINES;
    int from = first * STRIDE - PRE_PIXELS;

    vec4 sum[OUTPUTS];
    [[unroll]] for (int o = 0; o < OUTPUTS; ++o) sum[o] = bias[channel.y];
    for (int ky = 0; ky < KERNEL_HEIGHT; ++ky) {
        int in_line = from_line + ky * LINE_DILATION;
        if (in_line < 0 || in_line >= IN_HEIGHT) continue;
        int source = ((line.x * IN_HEIGHT + in_line) * IN_WIDTH) * VECTORS + channel.y;
        vec4 w[KERNEL_WIDTH];
        [[unroll]] for (int k = 0; k < KERNEL_WIDTH; ++k) w[k] = LOAD4(weights, FACTOR_HALF, (ky * KERNEL_WIDTH + k) * VECTORS + channel.y);
        [[unroll]] for (int i = 0; i < SPAN; ++i) {
            bool inside = from + i >= 0 && from + i < IN_WIDTH;
            vec4 value = LOAD4(x, IN_HALF, source + (inside ? (from + i) * VECTORS : 0));
            value = inside ? value : vec4(0.0);
            [[unroll]] for (int o = 0; o < OUTPUTS; ++o) {
                int t = i - o * STRIDE;
                if (t >= 0 && t % DILATION == 0 && t / DILATION < KERNEL_WIDTH) sum[o] = fma(value, w[t / DILATION], sum[o]);
            }
        }
    }

    int target = ((line.x * OUT_HEIGHT + line.y) * OUT_WIDTH + first) * VECTORS + channel.y;
    [[unroll]] for (int o = 0; o < OUTPUTS; ++o) {
        if (first + o < OUT_WIDTH) {
            int at = target + o * VECTORS;
            STORE4(y, OUT_HALF, at, finish4(sum[o], 4 * at, 4 * channel.y))
        }
    }
}
