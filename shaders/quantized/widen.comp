// A picture of few channels -> units of sixteen bytes: PIXELS neighbouring pixels with 16 / PIXELS channels each, one unit for each place of the window along a
// line, so that units overlap. Pixels beside the picture are its zero point; channels that it has not are multiplied by zero.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"
#include "common/divide.glsl"

layout(set = 0, binding = 0) readonly buffer Picture { uint x[]; };
layout(set = 0, binding = 1) writeonly buffer Wide { uvec4 wide[]; };

#define COUNT P(0) // units
#define HEIGHT P(1)
#define UNITS P(2) // of a line
#define X_PICTURE P(3) // element strides
#define X_LINE P(4)
#define X_PIXEL P(5)
#define X_CHANNEL P(6)
#define CHANNELS P(7)
#define WIDTH P(8) // pixels of a line
#define STRIDE P(9)
#define PRE P(10)
#define PIXELS G(0)
#define ZERO uint(G(1)) // a byte

void main() {
    int unit = int(flat_invocation());
    if (unit >= COUNT) return;
    ivec2 line = divide(unit, UNITS);
    ivec2 picture = divide(line.x, HEIGHT);
    int each = 16 / PIXELS;
    int first = picture.x * X_PICTURE + picture.y * X_LINE;
    int pixel0 = line.y * STRIDE - PRE;
    uvec4 bytes = uvec4(0u);
    [[unroll]] for (int i = 0; i < 16; ++i) {
        int pixel = pixel0 + i / each;
        int channel = i % each;
        uint value = ZERO;
        if (pixel >= 0 && pixel < WIDTH && channel < CHANNELS) {
            int at = first + pixel * X_PIXEL + channel * X_CHANNEL;
            value = bitfieldExtract(x[at >> 2], 8 * (at & 3), 8);
        }
        bytes[i / 4] |= value << (8 * (i % 4));
    }
    wide[unit] = bytes;
}
