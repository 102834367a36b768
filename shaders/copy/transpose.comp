// A copy whose source runs along another axis than its target: one invocation moves a block of 4 x 4 elements through registers, so that both
// sides are touched in runs of four. A run is one vector where its place is a multiple of four; at the edges of the region blocks are partial.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"
#include "common/unit.glsl"
#ifdef BYTES2
#define UNIT4 u16vec4
#else
#define UNIT4 uvec4
#endif

layout(binding = 0) readonly buffer Source { UNIT source[]; };
layout(binding = 0) readonly buffer Source4 { UNIT4 source4[]; };
layout(binding = 1) writeonly buffer Target { UNIT target[]; };
layout(binding = 1) writeonly buffer Target4 { UNIT4 target4[]; };

#define COUNT P(0) // blocks
#define SOURCE_BASE P(1)
#define TARGET_BASE P(2)
// Axes from the slowest, the two axes of a block in blocks; the first one's extent is not needed.
#define EXTENTS int[](0, P(3), P(4), P(5), P(6), P(7))
#define SOURCE_STRIDES int[](P(8), P(9), P(10), P(11), P(12), P(13))
#define TARGET_STRIDES int[](P(14), P(15), P(16), P(17), P(18), P(19))
#define SOURCE_RUN P(20)    // elements along the axis that the source runs along
#define TARGET_RUN P(21)    // and the target
#define SOURCE_STRIDE P(22) // of the source along the target's axis
#define TARGET_STRIDE P(23) // of the target along the source's axis
#define AXES G(0)
#define SOURCE_AXIS G(1)
#define TARGET_AXIS G(2)
#define SOURCE_VECTORS (G(3) != 0)
#define TARGET_VECTORS (G(4) != 0)
#define WHOLE_BLOCKS (G(5) != 0)

void main() {
    int rest = int(flat_invocation());
    if (rest >= COUNT) return;
    int extents[6] = EXTENTS;
    int source_strides[6] = SOURCE_STRIDES;
    int target_strides[6] = TARGET_STRIDES;
    int from = SOURCE_BASE;
    int to = TARGET_BASE;
    ivec2 left = ivec2(4); // elements of the block along the source's and the target's axis
    [[unroll]] for (int j = 0; j < AXES; ++j) {
        int axis = AXES - 1 - j;
        int outer = axis > 0 ? quick_div(rest, extents[axis]) : 0;
        int c = axis > 0 ? rest - outer * extents[axis] : rest;
        rest = outer;
        if (axis == SOURCE_AXIS) left.x = min(SOURCE_RUN - 4 * c, 4);
        if (axis == TARGET_AXIS) left.y = min(TARGET_RUN - 4 * c, 4);
        if (axis == SOURCE_AXIS || axis == TARGET_AXIS) c *= 4;
        from += c * source_strides[axis];
        to += c * target_strides[axis];
    }
    if (WHOLE_BLOCKS) left = ivec2(4);

    UNIT4 rows[4];
    [[unroll]] for (int j = 0; j < 4; ++j) {
        int row = from + (WHOLE_BLOCKS ? j : min(j, left.y - 1)) * SOURCE_STRIDE;
        if (SOURCE_VECTORS) {
            rows[j] = source4[row >> 2];
        } else {
            [[unroll]] for (int i = 0; i < 4; ++i) rows[j][i] = source[row + (WHOLE_BLOCKS ? i : min(i, left.x - 1))];
        }
    }
    [[unroll]] for (int i = 0; i < 4; ++i) {
        if (i < left.x) {
            int row = to + i * TARGET_STRIDE;
            if (TARGET_VECTORS) {
                target4[row >> 2] = UNIT4(rows[0][i], rows[1][i], rows[2][i], rows[3][i]);
            } else {
                [[unroll]] for (int j = 0; j < 4; ++j) {
                    if (j < left.y) target[row + j] = rows[j][i];
                }
            }
        }
    }
}
