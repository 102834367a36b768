// [36 points][tiles][columns] -> the bias, the pointwise program and the store; four channels of one tile per invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"
#include "convolution/product.glsl"
#include "convolution/winograd.glsl"

layout(set = 0, binding = 0) uniform samplerBuffer points;
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
DEFINE_STORE_COLUMNS(y)

#define TILES G(4)

void main() {
    int index = int(flat_invocation());
    int vectors = (COLUMNS + 3) >> 2;
    int count = TILES * vectors;
    if (index >= count) return;
    ivec2 split = divide(index, vectors);
    int column = 4 * split.y;
    int out_height = OUT_PLANE / OUT_WIDTH;
    WinogradTile tile = winograd_tile(split.x, out_height, OUT_WIDTH);

    vec4 t[TILE * POINTS];
    [[unroll]] for (int j = 0; j < POINTS; ++j) {
        vec4 m[POINTS];
        [[unroll]] for (int i = 0; i < POINTS; ++i) m[i] = texelFetch(points, (POINTS * i + j) * count + index);
        WINOGRAD_OUTPUT(m[0], m[1], m[2], m[3], m[4], m[5], t[j], t[6 + j], t[12 + j], t[18 + j])
    }
    vec4 b = vec4(bias[column], bias[column + 1], bias[column + 2], bias[column + 3]);
    [[unroll]] for (int i = 0; i < TILE; ++i) {
        vec4 v[TILE];
        int k = POINTS * i;
        WINOGRAD_OUTPUT(t[k], t[k + 1], t[k + 2], t[k + 3], t[k + 4], t[k + 5], v[0], v[1], v[2], v[3])
        int line = tile.at.x + i;
        int base = tile.picture * Y_PICTURE + line * Y_LINE + tile.at.y * Y_PIXEL;
        [[unroll]] for (int j = 0; j < TILE; ++j) {
            if (line < out_height && tile.at.y + j < OUT_WIDTH) store_columns(v[j] + b, base + j * Y_PIXEL, 0, column);
        }
    }
}
