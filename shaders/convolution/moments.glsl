// Mean and deviation of the rows that pass through a workgroup of convolution/coopmat on their way to shared memory.
#ifndef TENSORVK_MOMENTS
#define TENSORVK_MOMENTS

layout(set = 0, binding = 8) readonly buffer Sums { float column_sums[]; }; // of the weights
// Constants that only windows of volumes have else.
#define EPSILON intBitsToFloat(G(17))
#define CENTRED (G(18) != 0)
shared vec2 normal[TILE_ROWS]; // mean and 1 / deviation of each row
#ifdef PLAYED_MATRICES
shared vec2 shuffled[THREADS];
vec2 of_neighbour(vec2 value, int distance) {
    barrier();
    shuffled[gl_LocalInvocationIndex] = value;
    barrier();
    return shuffled[gl_LocalInvocationIndex ^ uint(distance)];
}
#else
#define of_neighbour subgroupShuffleXor
#endif
float pivot[INPUT_LOADS]; // the row's first element: differences from it lose no digits where the mean is large beside the deviation
vec2 moments[INPUT_LOADS]; // of this thread's part of a row: the sum of those differences, and of their squares

void begin_rows() {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        pivot[i] = CENTRED ? unpackHalf2x16(x[origin[i] - thread % DEPTH_EIGHTS].x).x : 0.0;
        moments[i] = vec2(0.0);
    }
}

void add_moments(uvec4 passed[INPUT_LOADS]) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        [[unroll]] for (int word = 0; word < 4; ++word) {
            vec2 difference = unpackHalf2x16(passed[i][word]) - pivot[i];
            moments[i].x += difference.x + difference.y;
            moments[i].y = fma(difference.x, difference.x, fma(difference.y, difference.y, moments[i].y));
        }
    }
}

// Neighbouring lanes have the parts of one row.
void end_rows() {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        vec2 all = moments[i];
        [[unroll]] for (int lane = 1; lane < DEPTH_EIGHTS; lane *= 2) all += of_neighbour(all, lane);
        all /= float(DEPTH);
        float variance = CENTRED ? max(all.y - all.x * all.x, 0.0) : all.y;
        int row = thread / DEPTH_EIGHTS + i * LOAD_ROWS;
        if (thread % DEPTH_EIGHTS == 0 && row < TILE_ROWS) normal[row] = vec2(CENTRED ? pivot[i] + all.x : 0.0, 1.0 / sqrt(variance + EPSILON));
    }
    barrier();
}

#endif
