// Weights in ONNX's order, 3 x 3 taps -> [36 points][panel of columns][channels][columns of the panel], padded with zeros. One pair of channels
// per invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"

layout(set = 0, binding = 0) readonly buffer Weights { float weights[]; };
layout(set = 0, binding = 1) writeonly buffer Points { float points[]; };

#define COUNT P(0) // CHANNELS * PADDED_COLUMNS
#define PADDED_COLUMNS P(1)
#define CHANNELS P(2)
#define COLUMNS P(3)
#define PANEL P(4)

// Along one axis: the weights' polynomial at 0, 1, -1, 2, -2 and infinity, each over what makes the outputs' transform whole numbers.
void transform(float a, float b, float c, out float at[6]) {
    float sum = (a + c) * (-1.0 / 6.0), wide = a * (1.0 / 24.0) + c * (1.0 / 6.0);
    at[0] = a * 0.25;
    at[1] = sum - b * (1.0 / 6.0);
    at[2] = sum + b * (1.0 / 6.0);
    at[3] = wide + b * (1.0 / 12.0);
    at[4] = wide - b * (1.0 / 12.0);
    at[5] = c;
}

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int channel = index / PANEL % CHANNELS;
    int column = index / PANEL / CHANNELS * PANEL + index % PANEL;
    float g[9];
    [[unroll]] for (int i = 0; i < 9; ++i) g[i] = column < COLUMNS ? weights[(min(column, COLUMNS - 1) * CHANNELS + channel) * 9 + i] : 0.0;
    float lines[3][6]; // [column of taps][point]
    [[unroll]] for (int j = 0; j < 3; ++j) transform(g[j], g[3 + j], g[6 + j], lines[j]);
    [[unroll]] for (int i = 0; i < 6; ++i) {
        float u[6];
        transform(lines[0][i], lines[1][i], lines[2][i], u);
        [[unroll]] for (int j = 0; j < 6; ++j) points[(6 * i + j) * COUNT + index] = u[j];
    }
}
