// Depthwise convolution of 8-bit integers, channels last: as convolution/depthwise.comp, whose parameters it has. Sums of whole numbers below
// 2^24 are exact in float32; weights come as floats, less their zero point.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"
#include "common/divide.glsl"
#include "quantized/epilogue.glsl"

layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) readonly buffer Weights { vec4 weights[]; }; // [tap][channels]

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
#define X_ZERO G(8)

// What quantized/columns.glsl asks of a product: one part, channels side by side.
#define COLUMNS (4 * VECTORS)
#define part_channel(part) 0
#define Y_CHANNEL 1
#define OUTPUT_VECTORS true
#include "quantized/columns.glsl"

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    ivec2 channel = divide(index, VECTORS);
    ivec2 run = divide(channel.x, RUNS);
    ivec2 line = divide(run.x, OUT_HEIGHT); // picture, line
    int first = run.y * OUTPUTS;
    int from_line = line.y * LINE_STRIDE - PRE_LINES;
    int from = first * STRIDE - PRE_PIXELS;
    float zero = float(X_ZERO);

    vec4 sum[OUTPUTS];
    [[unroll]] for (int o = 0; o < OUTPUTS; ++o) sum[o] = vec4(0.0);
    for (int ky = 0; ky < KERNEL_HEIGHT; ++ky) {
        int in_line = from_line + ky * LINE_DILATION;
        if (in_line < 0 || in_line >= IN_HEIGHT) continue;
        int source = ((line.x * IN_HEIGHT + in_line) * IN_WIDTH) * VECTORS + channel.y;
        vec4 w[KERNEL_WIDTH];
        [[unroll]] for (int k = 0; k < KERNEL_WIDTH; ++k) w[k] = weights[(ky * KERNEL_WIDTH + k) * VECTORS + channel.y];
        [[unroll]] for (int i = 0; i < SPAN; ++i) {
            bool inside = from + i >= 0 && from + i < IN_WIDTH;
            vec4 value = vec4(bytes_of(TYPE_X, x[source + (inside ? (from + i) * VECTORS : 0)])) - zero;
            value = inside ? value : vec4(0.0);
            [[unroll]] for (int o = 0; o < OUTPUTS; ++o) {
                int t = i - o * STRIDE;
                if (t >= 0 && t % DILATION == 0 && t / DILATION < KERNEL_WIDTH) sum[o] = fma(value, w[t / DILATION], sum[o]);
            }
        }
    }

    ivec4 finished[OUTPUTS]; // copies for a loop, so that the epilogue is in the shader once
    [[unroll]] for (int o = 0; o < OUTPUTS; ++o) finished[o] = ivec4(sum[o]);
    int target = ((line.x * OUT_HEIGHT + line.y) * OUT_WIDTH + first) * VECTORS;
    for (int o = 0; o < min(OUTPUTS, OUT_WIDTH - first); ++o) store_columns(finished[o], 4 * (target + o * VECTORS), 0, 4 * channel.y);
}
