// Weights in ONNX's order, 3 x 3 taps -> [points][panel of columns][channels][columns of the panel], padded with zeros. One pair of channels
// per invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "convolution/winograd.glsl"

layout(set = 0, binding = 0) readonly buffer Weights { float weights[]; };
#ifdef HALF
layout(set = 0, binding = 1) writeonly buffer Points { float16_t points[]; };
#define VALUE(v) float16_t(v)
#else
layout(set = 0, binding = 1) writeonly buffer Points { float points[]; };
#define VALUE(v) (v)
#endif

#define COUNT P(0) // of a point: PADDED_CHANNELS times the padded columns
#define PADDED_CHANNELS P(1)
#define CHANNELS P(2)
#define COLUMNS P(3)
#define PANEL P(4)

// Along one axis: the taps' polynomial at the points, each over what makes the other transforms free of divisions.
void taps_to_points(float a, float b, float c, out float at[4]) {
    float even = 0.5 * (a + c), odd = 0.5 * b;
    at = float[4](a, even + odd, even - odd, c);
}
void taps_to_points(float a, float b, float c, out float at[6]) {
    const float at_near = 1.0 / (2.0 * NEAR2 * (NEAR2 - FAR2)), at_far = 1.0 / (2.0 * FAR2 * (FAR2 - NEAR2));
    float even_near = at_near * (a + NEAR2 * c), odd_near = at_near * NEAR * b, even_far = at_far * (a + FAR2 * c), odd_far = at_far * FAR * b;
    at = float[6](a / (NEAR2 * FAR2), even_near + odd_near, even_near - odd_near, even_far + odd_far, even_far - odd_far, c);
}

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int channel = index / PANEL % PADDED_CHANNELS;
    int column = index / PANEL / PADDED_CHANNELS * PANEL + index % PANEL;
    bool there = channel < CHANNELS && column < COLUMNS;
    int first = there ? (column * CHANNELS + channel) * 9 : 0;
    float g[9];
    [[unroll]] for (int i = 0; i < 9; ++i) g[i] = there ? weights[first + i] : 0.0;
    float lines[3][POINTS_DOWN]; // [column of taps][point]
    [[unroll]] for (int j = 0; j < 3; ++j) taps_to_points(g[j], g[3 + j], g[6 + j], lines[j]);
    [[unroll]] for (int i = 0; i < POINTS_DOWN; ++i) {
        float u[POINTS_ACROSS];
        taps_to_points(lines[0][i], lines[1][i], lines[2][i], u);
        [[unroll]] for (int j = 0; j < POINTS_ACROSS; ++j) points[(POINTS_ACROSS * i + j) * COUNT + index] = VALUE(u[j]);
    }
}
