// A chain of multiplications: its time tells the clock of the device's processors, whatever else they can do; many groups of it keep them busy.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"

layout(set = 0, binding = 0) writeonly buffer Results { float results[]; };

#define ROUNDS P(0)

void main() {
    float value = float(gl_LocalInvocationIndex);
    MANY_ROUNDS(i, 0, ROUNDS, 1, 8, value = fma(value, 0.999, 1.0);)
    if (gl_WorkGroupID.x == 0) results[gl_LocalInvocationIndex] = value;
}
