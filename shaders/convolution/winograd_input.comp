// Pictures -> [points][tiles][channels], four channels of one tile per invocation. Channels beyond the last are zeros.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/storage.glsl"
#include "convolution/rows.glsl"
#include "convolution/winograd.glsl"

#ifdef TEXELS
layout(set = 0, binding = 0) uniform samplerBuffer x;
#define INPUT4(i) texelFetch(x, i)
#define INPUT(i) 0.0 // channels come in fours
#else
STORAGE(0, readonly, x)
#define INPUT4(i) LOAD4(x, IN_HALF, i)
#define INPUT(i) LOAD(x, IN_HALF, i)
#endif
STORAGE(1, writeonly, points)

#define IN_HALF ((G(0) & 1) != 0)

// Four channels at an element of the input.
vec4 read(int element, int channel) {
    if (INPUT_VECTORS) return INPUT4(element >> 2);
    int last = CHANNELS - 1 - channel;
    return vec4(INPUT(element), last < 1 ? 0.0 : INPUT(element + X_CHANNEL), last < 2 ? 0.0 : INPUT(element + 2 * X_CHANNEL), last < 3 ? 0.0 : INPUT(element + 3 * X_CHANNEL));
}

void main() {
    int index = int(flat_invocation());
    int count = TILES * VECTORS;
    if (index >= count) return;
    ivec2 split = divide(index, VECTORS);
    WinogradTile tile = winograd_tile(split.x, OUT_PLANE / OUT_WIDTH, OUT_WIDTH);
    int channel = 4 * split.y;
    int origin = tile.picture * X_PICTURE + channel * X_CHANNEL;
    ivec2 from = tile.at - PRE.yz;

    vec4 t[POINTS_DOWN * POINTS_ACROSS];
    [[unroll]] for (int j = 0; j < POINTS_ACROSS; ++j) {
        vec4 d[POINTS_DOWN];
        int column = from.y + j;
        [[unroll]] for (int i = 0; i < POINTS_DOWN; ++i) {
            int line = from.x + i;
            bool inside = line >= 0 && line < IN_HEIGHT && column >= 0 && column < IN_WIDTH && channel < CHANNELS;
            vec4 value = read(inside ? origin + line * X_LINE + column * X_PIXEL : 0, inside ? channel : CHANNELS - 1);
            d[i] = inside ? value : vec4(0.0);
        }
        to_points(d);
        [[unroll]] for (int i = 0; i < POINTS_DOWN; ++i) t[POINTS_ACROSS * i + j] = d[i];
    }
    float scale = 1.0 / float(1 << SHIFT);
    [[unroll]] for (int i = 0; i < POINTS_DOWN; ++i) {
        vec4 v[POINTS_ACROSS];
        [[unroll]] for (int j = 0; j < POINTS_ACROSS; ++j) v[j] = t[POINTS_ACROSS * i + j];
        to_points(v);
        [[unroll]] for (int j = 0; j < POINTS_ACROSS; ++j) STORE4(points, POINTS_HALF, (POINTS_ACROSS * i + j) * count + index, v[j] * scale)
    }
}
