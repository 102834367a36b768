// Pictures -> [36 points][tiles][channels], four channels of one tile per invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"
#include "convolution/rows.glsl"
#include "convolution/winograd.glsl"

layout(set = 0, binding = 0) uniform samplerBuffer x;
layout(set = 0, binding = 1) writeonly buffer Points { vec4 points[]; };

#define TILES G(4)

void main() {
    int index = int(flat_invocation());
    int vectors = CHANNELS >> 2;
    int count = TILES * vectors;
    if (index >= count) return;
    ivec2 split = divide(index, vectors);
    WinogradTile tile = winograd_tile(split.x, OUT_PLANE / OUT_WIDTH, OUT_WIDTH);
    int origin = (tile.picture * X_PICTURE >> 2) + split.y;
    ivec2 from = tile.at - PRE.yz;

    vec4 t[POINTS * POINTS];
    [[unroll]] for (int j = 0; j < POINTS; ++j) {
        vec4 d[POINTS];
        int column = from.y + j;
        [[unroll]] for (int i = 0; i < POINTS; ++i) {
            int line = from.x + i;
            bool inside = line >= 0 && line < IN_HEIGHT && column >= 0 && column < IN_WIDTH;
            vec4 value = texelFetch(x, inside ? origin + (line * X_LINE + column * X_PIXEL >> 2) : 0);
            d[i] = inside ? value : vec4(0.0);
        }
        WINOGRAD_INPUT(d[0], d[1], d[2], d[3], d[4], d[5], t[j], t[6 + j], t[12 + j], t[18 + j], t[24 + j], t[30 + j])
    }
    [[unroll]] for (int i = 0; i < POINTS; ++i) {
        vec4 v[POINTS];
        int k = POINTS * i;
        WINOGRAD_INPUT(t[k], t[k + 1], t[k + 2], t[k + 3], t[k + 4], t[k + 5], v[0], v[1], v[2], v[3], v[4], v[5])
        [[unroll]] for (int j = 0; j < POINTS; ++j) points[(k + j) * count + index] = v[j];
    }
}
