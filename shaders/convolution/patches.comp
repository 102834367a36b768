// A picture -> the rows of a matrix, in the type that products read: the elements under the window of each position, in the order of the weights (channel, line, pixel). For
// windows that do not overlap, so that each element is written once.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/divide.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, x)
STORAGE(1, writeonly, y)

#define COUNT P(0) // fours of the matrix
#define ROW_FOURS P(1)
#define OUT_LINES P(2) // positions
#define OUT_WIDTH P(3)
#define X_PICTURE P(4) // element strides
#define X_LINE P(5)
#define X_PIXEL P(6)
#define X_CHANNEL P(7)
#define KERNEL ivec2(P(8), P(9))
#define STRIDE ivec2(P(10), P(11))
#define IN_HALF (G(0) != 0)
#define OUT_HALF (G(1) != 0)

void main() {
    int four = int(flat_invocation());
    if (four >= COUNT) return;
    ivec2 row = divide(four, ROW_FOURS);
    ivec2 line = divide(row.x, OUT_WIDTH);
    ivec2 picture = divide(line.x, OUT_LINES);
    int first = picture.x * X_PICTURE + picture.y * STRIDE.x * X_LINE + line.y * STRIDE.y * X_PIXEL;
    ivec2 tap_line = divide(row.y * 4, KERNEL.y);
    ivec2 channel = divide(tap_line.x, KERNEL.x);
    ivec3 at = ivec3(channel, tap_line.y); // channel, line, pixel of the window
    vec4 values;
    [[unroll]] for (int i = 0; i < 4; ++i) {
        values[i] = LOAD(x, IN_HALF, first + at.x * X_CHANNEL + at.y * X_LINE + at.z * X_PIXEL);
        if (++at.z == KERNEL.y) at = ivec3(at.x, at.y + 1, 0);
        if (at.y == KERNEL.x) at = ivec3(at.x + 1, 0, at.z);
    }
    STORE4(y, OUT_HALF, four, values)
}
