// What RowMoments (cpp/src/tactics/operation.hpp) tells of sixteen neighbouring elements of a row: their mean, and the sum of their squared differences from it.
#ifndef TENSORVK_PART_MOMENTS
#define TENSORVK_PART_MOMENTS

vec2 moments_of(vec4 numbers[4]) {
    vec4 sum = vec4(0.0), squares = vec4(0.0);
    [[unroll]] for (int i = 0; i < 4; ++i) sum += numbers[i];
    float mean = dot(sum, vec4(1.0 / 16.0));
    [[unroll]] for (int i = 0; i < 4; ++i) squares += (numbers[i] - mean) * (numbers[i] - mean);
    return vec2(mean, dot(squares, vec4(1.0)));
}

#endif
