// Reads what the next steps will read (their weights), so that it lies in the device's cache when they begin. Nothing is kept of it: the one store
// is as good as never reached, which compilers cannot know.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"

layout(set = 0, binding = 0) writeonly buffer Never { uvec4 never[]; };
#define WORDS(k) layout(set = 0, binding = 1 + k) readonly buffer Words##k { uvec4 words##k[]; };
WORDS(0) WORDS(1) WORDS(2) WORDS(3) WORDS(4) WORDS(5)

#define COUNT(k) P(k) // of 16 bytes in buffer k
#define EACH G(0)     // how many an invocation reads

void main() {
    uvec4 all = uvec4(0);
    int span = int(gl_WorkGroupSize.x) * EACH;
    int group = int(flat_group());
    // Each buffer has workgroups of its own, one buffer's after the other's.
#define READ(k)                                                                                                      \
    {                                                                                                                \
        int groups = (COUNT(k) + span - 1) / span;                                                                   \
        if (group >= 0 && group < groups) {                                                                          \
            int first = group * span + int(gl_LocalInvocationID.x);                                                  \
            for (int i = 0; i < EACH; ++i) {                                                                         \
                int at = first + i * int(gl_WorkGroupSize.x);                                                        \
                if (at < COUNT(k)) all |= words##k[at];                                                              \
            }                                                                                                        \
        }                                                                                                            \
        group -= groups;                                                                                             \
    }
    READ(0) READ(1) READ(2) READ(3) READ(4) READ(5)
    if (all == uvec4(0x9e3779b9u, 0x85ebca6bu, 0xc2b2ae35u, 0x27d4eb2fu)) never[0] = all;
}
