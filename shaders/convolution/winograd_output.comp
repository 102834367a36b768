// [points][tiles][columns] -> the bias, the pointwise program and the store; four channels of one tile per invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "convolution/product.glsl"
#include "convolution/winograd.glsl"

#ifdef TEXELS
layout(set = 0, binding = 0) uniform samplerBuffer points;
#define POINT(i) texelFetch(points, i)
#else
STORAGE(0, readonly, points)
#define POINT(i) LOAD4(points, POINTS_HALF, i)
#endif
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
DEFINE_STORE_COLUMNS(y)

void main() {
    int index = int(flat_invocation());
    int count = TILES * VECTORS;
    if (index >= count) return;
    ivec2 split = divide(index, VECTORS);
    int column = 4 * split.y;
    if (column >= COLUMNS) return;
    int out_height = OUT_PLANE / OUT_WIDTH;
    WinogradTile tile = winograd_tile(split.x, out_height, OUT_WIDTH);

    vec4 t[TALL * POINTS_ACROSS];
    [[unroll]] for (int j = 0; j < POINTS_ACROSS; ++j) {
        vec4 m[POINTS_DOWN], v[TALL];
        [[unroll]] for (int i = 0; i < POINTS_DOWN; ++i) m[i] = POINT((POINTS_ACROSS * i + j) * count + index);
        to_places(m, v);
        [[unroll]] for (int i = 0; i < TALL; ++i) t[POINTS_ACROSS * i + j] = v[i];
    }
    vec4 b = vec4(bias[column], bias[column + 1], bias[column + 2], bias[column + 3]);
    float scale = float(1 << SHIFT);
    [[unroll]] for (int i = 0; i < TALL; ++i) {
        vec4 m[POINTS_ACROSS], v[WIDE];
        [[unroll]] for (int j = 0; j < POINTS_ACROSS; ++j) m[j] = t[POINTS_ACROSS * i + j];
        to_places(m, v);
        int line = tile.at.x + i;
        int base = Y_FIRST + tile.picture * Y_PICTURE + line * Y_LINE + tile.at.y * Y_PIXEL;
        [[unroll]] for (int j = 0; j < WIDE; ++j) {
            if (line < out_height && tile.at.y + j < OUT_WIDTH) store_columns(fma(v[j], vec4(scale), b), base + j * Y_PIXEL, 0, column);
        }
    }
}
