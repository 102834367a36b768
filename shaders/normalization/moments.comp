// Of each sixteen neighbouring elements of a row: their mean, and the sum of their squared differences from it. One invocation for each.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, x)
layout(set = 0, binding = 1) writeonly buffer Moments { vec2 moments[]; };

#define COUNT P(0)
#define IN_HALF ((G(2) & 1) != 0)

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    vec4 numbers[4];
    vec4 sum = vec4(0.0), squares = vec4(0.0);
    [[unroll]] for (int i = 0; i < 4; ++i) {
        numbers[i] = LOAD4(x, IN_HALF, index * 4 + i);
        sum += numbers[i];
    }
    float mean = dot(sum, vec4(1.0 / 16.0));
    [[unroll]] for (int i = 0; i < 4; ++i) squares += (numbers[i] - mean) * (numbers[i] - mean);
    moments[index] = vec2(mean, dot(squares, vec4(1.0)));
}
