// A picture of few channels -> units of eight halves: PIXELS neighbouring pixels with 8 / PIXELS channels each, zeros where the picture has none.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#include "common/interface.glsl"
#include "common/divide.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, x)
layout(set = 0, binding = 1) writeonly buffer Wide { uvec4 wide[]; };

#define COUNT P(0) // units
#define HEIGHT P(1)
#define WIDTH P(2) // units of a line
#define X_PICTURE P(3) // element strides
#define X_LINE P(4)
#define X_PIXEL P(5)
#define X_CHANNEL P(6)
#define CHANNELS P(7)
#define IN_HALF (G(0) != 0)
#define PIXELS G(1)

void main() {
    int unit = int(flat_invocation());
    if (unit >= COUNT) return;
    ivec2 line = divide(unit, WIDTH);
    ivec2 picture = divide(line.x, HEIGHT);
    int each = 8 / PIXELS;
    int first = picture.x * X_PICTURE + picture.y * X_LINE + line.y * PIXELS * X_PIXEL;
    float values[8];
    [[unroll]] for (int i = 0; i < 8; ++i) {
        int channel = i % each;
        values[i] = channel < CHANNELS ? LOAD(x, IN_HALF, first + i / each * X_PIXEL + channel * X_CHANNEL) : 0.0;
    }
    wide[unit] = uvec4(packHalf2x16(vec2(values[0], values[1])), packHalf2x16(vec2(values[2], values[3])), packHalf2x16(vec2(values[4], values[5])),
                       packHalf2x16(vec2(values[6], values[7])));
}
