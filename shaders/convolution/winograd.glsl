// Winograd's convolution of 3 x 3 taps at stride 1 (Lavin and Gray, 2015): a tile of TALL x WIDE outputs, F(TALL x WIDE, 3 x 3), takes one product at each of
// (TALL + 2) x (WIDE + 2) points instead of nine for each output. Inputs and weights are transformed to points, each point is a matrix product over the
// channels (convolution/coopmat, shared or texel, whose parts the points are), and the products of a tile become outputs. Parameters as in rows.glsl.
//
// Along an axis two outputs take the points 0, +-1 and infinity; four take 0, +-NEAR, +-FAR and infinity. Of all pairs of sixteenths these round best: they
// lose a third of what +-1 and +-2 lose (docs/decisions/winograd.md). The weights' transform (winograd_weights.comp) has the divisions of all three.
#ifndef TENSORVK_WINOGRAD
#define TENSORVK_WINOGRAD

#include "common/divide.glsl"

const int POINTS_DOWN = TALL + 2, POINTS_ACROSS = WIDE + 2;
const float NEAR = 0.6875, FAR = 1.4375, NEAR2 = NEAR * NEAR, FAR2 = FAR * FAR;

#define TILES G(4)
#define POINTS_HALF (G(5) != 0) // in memory
#define SHIFT G(6)              // points in memory are smaller by this power of two, so that halves hold them (docs/decisions/winograd.md)
#define VECTORS G(8)            // fours of channels of a point

void to_points(inout vec4 d[4]) {
    vec4 first = d[0] - d[2], sum = d[1] + d[2], difference = d[2] - d[1], last = d[1] - d[3];
    d = vec4[4](first, sum, difference, last);
}

void to_points(inout vec4 d[6]) {
    vec4 even_near = fma(vec4(-FAR2), d[2], d[4]), odd_near = NEAR * fma(vec4(-FAR2), d[1], d[3]); // what +NEAR and -NEAR share
    vec4 even_far = fma(vec4(-NEAR2), d[2], d[4]), odd_far = FAR * fma(vec4(-NEAR2), d[1], d[3]);
    vec4 first = fma(vec4(NEAR2 * FAR2), d[0], fma(vec4(-NEAR2 - FAR2), d[2], d[4]));
    vec4 last = fma(vec4(NEAR2 * FAR2), d[1], fma(vec4(-NEAR2 - FAR2), d[3], d[5]));
    d = vec4[6](first, even_near + odd_near, even_near - odd_near, even_far + odd_far, even_far - odd_far, last);
}

void to_places(vec4 m[4], out vec4 y[2]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
}

void to_places(vec4 m[6], out vec4 y[4]) {
    vec4 even_near = m[1] + m[2], even_far = m[3] + m[4], odd_near = NEAR * (m[1] - m[2]), odd_far = FAR * (m[3] - m[4]);
    y[0] = m[0] + even_near + even_far;
    y[1] = odd_near + odd_far;
    y[2] = fma(vec4(FAR2), even_far, NEAR2 * even_near);
    y[3] = fma(vec4(FAR2), odd_far, fma(vec4(NEAR2), odd_near, m[5]));
}

struct WinogradTile {
    int picture;
    ivec2 at; // of the first output: line, column
};

// Tiles are numbered picture by picture, line by line.
WinogradTile winograd_tile(int index, int out_height, int out_width) {
    const ivec2 size = ivec2(TALL, WIDE);
    ivec2 tiles = (ivec2(out_height, out_width) + size - 1) / size;
    ivec2 picture = divide(index, tiles.x * tiles.y);
    return WinogradTile(picture.x, size * divide(picture.y, tiles.y));
}

#endif
