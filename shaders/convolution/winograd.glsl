// Winograd's convolution of 3 x 3 taps at stride 1, F(4 x 4, 3 x 3) of Lavin and Gray (2015): 36 products of numbers for 16 outputs instead of
// 144. Inputs of a tile of 6 x 6 and weights are transformed to 36 points each, each point is a matrix product over the channels
// (convolution/texel), and the products of a tile become 4 x 4 outputs. Parameters as in rows.glsl.
#ifndef TENSORVK_WINOGRAD
#define TENSORVK_WINOGRAD

#include "common/divide.glsl"

const int TILE = 4;   // outputs of a tile along an axis
const int POINTS = 6; // along an axis

// Transforms along one axis, for vectors of any length.
#define WINOGRAD_INPUT(d0, d1, d2, d3, d4, d5, t0, t1, t2, t3, t4, t5) \
    {                                                                  \
        vec4 even = fma(vec4(-4.0), d2, d4), odd = fma(vec4(-4.0), d1, d3); \
        vec4 near = d4 - d2, far = 2.0 * (d3 - d1);                    \
        vec4 first = fma(vec4(4.0), d0, fma(vec4(-5.0), d2, d4));      \
        vec4 last = fma(vec4(4.0), d1, fma(vec4(-5.0), d3, d5));       \
        t0 = first; t1 = even + odd; t2 = even - odd;                  \
        t3 = near + far; t4 = near - far; t5 = last;                   \
    }
#define WINOGRAD_OUTPUT(m0, m1, m2, m3, m4, m5, y0, y1, y2, y3)        \
    {                                                                  \
        vec4 p = m1 + m2, q = m1 - m2, r = m3 + m4, s = m3 - m4;       \
        y0 = m0 + p + r; y1 = fma(vec4(2.0), s, q);                    \
        y2 = fma(vec4(4.0), r, p); y3 = fma(vec4(8.0), s, q) + m5;     \
    }

struct WinogradTile {
    int picture;
    ivec2 at; // of the first output: line, column
};

// Tiles are numbered picture by picture, line by line.
WinogradTile winograd_tile(int index, int out_height, int out_width) {
    ivec2 tiles = (ivec2(out_height, out_width) + TILE - 1) / TILE;
    ivec2 picture = divide(index, tiles.x * tiles.y);
    return WinogradTile(picture.x, TILE * divide(picture.y, tiles.y));
}

#endif
