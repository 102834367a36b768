// Writes integers that the host computed from the shapes.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"

layout(binding = 0) writeonly buffer Output { int result[]; };

#define COUNT P(0) // at most 28
#define FIRST P(1) // place of the first one in the output
#define LONG (G(0) != 0)

void main() {
    int i = int(flat_invocation());
    if (i >= COUNT) return;
    int values[28] = int[](P(2), P(3), P(4), P(5), P(6), P(7), P(8), P(9), P(10), P(11), P(12), P(13), P(14), P(15), P(16), P(17), P(18),
                           P(19), P(20), P(21), P(22), P(23), P(24), P(25), P(26), P(27), P(28), P(29));
    int value = values[i];
    int at = FIRST + i;
    if (LONG) {
        result[2 * at] = value;
        result[2 * at + 1] = value < 0 ? -1 : 0;
    } else {
        result[at] = value;
    }
}
