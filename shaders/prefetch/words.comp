// Reads what the next steps will read (their weights), so that it lies in the device's cache when they begin. Nothing is kept of it: the one store
// is as good as never reached, which compilers cannot know.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"

layout(set = 0, binding = 0) readonly buffer Words { uvec4 words[]; };
layout(set = 0, binding = 1) writeonly buffer Never { uvec4 never[]; };

#define COUNT P(0) // of 16 bytes
#define EACH G(0)  // how many an invocation reads

void main() {
    uvec4 all = uvec4(0);
    int first = int(flat_group() * gl_WorkGroupSize.x) * EACH + int(gl_LocalInvocationID.x);
    for (int i = 0; i < EACH; ++i) {
        int at = first + i * int(gl_WorkGroupSize.x);
        if (at < COUNT) all |= words[at];
    }
    if (all == uvec4(0x9e3779b9u, 0x85ebca6bu, 0xc2b2ae35u, 0x27d4eb2fu)) never[0] = all;
}
