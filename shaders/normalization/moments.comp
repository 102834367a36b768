// RowMoments of rows of halves: one invocation for each sixteen elements.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#include "common/interface.glsl"
#include "common/part_moments.glsl"

layout(set = 0, binding = 0) readonly buffer Rows { f16vec4 x[]; };
layout(set = 0, binding = 1) writeonly buffer Moments { vec2 moments[]; };

#define COUNT P(0)

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    vec4 numbers[4];
    [[unroll]] for (int i = 0; i < 4; ++i) numbers[i] = vec4(x[index * 4 + i]);
    moments[index] = moments_of(numbers);
}
