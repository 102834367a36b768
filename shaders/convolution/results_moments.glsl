// Of results: what products that normalise them want to know (cpp/src/tactics/operation.hpp, RowMoments). Four neighbouring lanes have sixteen columns of a row.
// Moments are of what is stored: lanes take it from each other as it is, since a driver leaves out a packing that is unpacked at once.
#ifndef TENSORVK_RESULTS_MOMENTS
#define TENSORVK_RESULTS_MOMENTS

#include "common/part_moments.glsl"

layout(set = 0, binding = 3) writeonly buffer Rows { uvec2 rows[]; }; // four halves
layout(set = 0, binding = 8) writeonly buffer RowMoments { vec2 row_moments[]; };

#if defined(PLAYED_MATRICES) || defined(LANES_MEET_IN_MEMORY)
shared uvec2 results[THREADS];
#define LANE_OF_FOUR (int(gl_LocalInvocationIndex) % 4)
#define OF_LANE(i) results[gl_LocalInvocationIndex - uint(LANE_OF_FOUR) + uint(i)]
#else
#define LANE_OF_FOUR (int(gl_SubgroupInvocationID) % 4)
#define OF_LANE(i) subgroupShuffle(halves, gl_SubgroupInvocationID - uint(LANE_OF_FOUR) + uint(i))
#endif

// Columns 4 * four .. 4 * four + 3 of all rows. All invocations together, or of a subgroup where lanes shuffle; what is not `there` is not stored.
void store_with_moments(vec4 value, int four, bool there) {
    uvec2 halves = uvec2(packHalf2x16(value.xy), packHalf2x16(value.zw));
#if defined(PLAYED_MATRICES) || defined(LANES_MEET_IN_MEMORY)
    barrier();
    results[gl_LocalInvocationIndex] = halves;
    barrier();
#endif
    vec4 numbers[4];
    [[unroll]] for (int i = 0; i < 4; ++i) {
        uvec2 of_lane = OF_LANE(i);
        numbers[i] = vec4(unpackHalf2x16(of_lane.x), unpackHalf2x16(of_lane.y));
    }
    vec2 moments = moments_of(numbers);
    if (there) {
        rows[four] = halves;
        if (LANE_OF_FOUR == 0) row_moments[four / 4] = moments;
    }
}

#endif
