// The table that quantized products read: the immediates of their program, then the bias of every channel, or zeros. Made once per engine.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"

layout(set = 0, binding = 0) readonly buffer Bias { int bias[]; };
layout(set = 0, binding = 1) writeonly buffer Parameters { int parameters[]; };

#define COUNT P(12)    // of the whole table
#define CHANNELS P(13) // with a bias: 0 without one

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int immediates[12] = int[](P(0), P(1), P(2), P(3), P(4), P(5), P(6), P(7), P(8), P(9), P(10), P(11));
    int channel = index - 12;
    parameters[index] = channel < 0 ? immediates[index] : channel < CHANNELS ? bias[channel] : 0;
}
