// target[base + sum of c * target stride] = source[base + sum of c * source stride] for all coordinates c of a region: transpose, slice,
// expand, pad, reformat, one part of a concatenation. UNIT is what one invocation moves: an element, or several that lie side by side in
// source and target. BOUNDED: along up to three axes the source position is start + step * c and may lie outside.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"
#include "common/unit.glsl"

layout(binding = 0) readonly buffer Source { STORED source[]; };
layout(binding = 1) TARGET buffer Target { STORED target[]; };

#define COUNT P(0)
#define SOURCE_BASE P(1)
#define TARGET_BASE P(2)
#define AXES G(0)
#ifdef BOUNDED
// Axes from the slowest; the first one's extent is not needed.
#define EXTENTS int[](0, P(3), P(4), P(5), P(6), P(7), 0, 0)
#define SOURCE_STRIDES int[](P(8), P(9), P(10), P(11), P(12), P(13), 0, 0)
#define TARGET_STRIDES int[](P(14), P(15), P(16), P(17), P(18), P(19), 0, 0)
#define STARTS int[](P(20), P(21), P(22))
#define STEPS int[](P(23), P(24), P(25))
#define LIMITS int[](P(26), P(27), P(28))
#define MODE G(4) // SampleMode
#define BOUNDS int[](G(1), G(2), G(3)) // axis + 1, 0 = none
#define WRAP 1
#define CLAMP 2
#define FILL 3
#define REFLECT 4
#if defined(BYTES1) || defined(BYTES2) || defined(BYTES4)
#define FILL_VALUE UNIT(uint(P(29)))
#elif defined(BYTES8)
#define FILL_VALUE uvec2(P(29), G(5))
#else
#define FILL_VALUE uvec4(P(29), G(5), P(29), G(5))
#endif

int modulo(int p, int n) { return p >= 0 ? p % n : n - 1 - (-1 - p) % n; }

int mirror(int p, int n) {
    int period = max(2 * (n - 1), 1);
    int at = modulo(p, period);
    return at < n ? at : period - at;
}

int inside_of(int p, int n) {
    return MODE == WRAP ? modulo(p, n) : MODE == REFLECT ? mirror(p, n) : clamp(p, 0, n - 1);
}
#else
#define EXTENTS int[](0, P(3), P(4), P(5), P(6), P(7), P(8), P(9))
#define SOURCE_STRIDES int[](P(10), P(11), P(12), P(13), P(14), P(15), P(16), P(17))
#define TARGET_STRIDES int[](P(18), P(19), P(20), P(21), P(22), P(23), P(24), P(25))
#endif

void main() {
    int rest = int(flat_invocation());
    if (rest >= COUNT) return;
    int extents[8] = EXTENTS;
    int source_strides[8] = SOURCE_STRIDES;
    int target_strides[8] = TARGET_STRIDES;
    int from = SOURCE_BASE;
    int to = TARGET_BASE;
    bool fill = false;
    [[unroll]] for (int j = 0; j < AXES; ++j) { // upwards: drivers unroll no other loops
        int axis = AXES - 1 - j;
        int outer = axis > 0 ? quick_div(rest, extents[axis]) : 0;
        int c = axis > 0 ? rest - outer * extents[axis] : rest;
        rest = outer;
        to += c * target_strides[axis];
#ifdef BOUNDED
        [[unroll]] for (int b = 0; b < 3; ++b) {
            if (BOUNDS[b] == axis + 1) {
                int p = STARTS[b] + STEPS[b] * c;
                if (MODE == FILL) fill = fill || p < 0 || p >= LIMITS[b];
                c = inside_of(p, LIMITS[b]);
            }
        }
#endif
        from += c * source_strides[axis];
    }
#ifdef BOUNDED
    if (fill) {
        STORE_UNIT(target, to, FILL_VALUE)
        return;
    }
#endif
    STORE_UNIT(target, to, LOAD_UNIT(source, from))
}
