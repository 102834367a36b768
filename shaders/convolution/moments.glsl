// Mean and deviation of the rows of a workgroup of convolution/coopmat: found while the rows pass through it on their way to shared memory, or, with GIVEN, from
// the means of their parts, which whoever wrote the rows has found.
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

// `all`: the sum of differences from `pivot` over `count` terms, and over all elements that of their squares.
vec2 normal_of(vec2 all, float pivot, float count) {
    all /= vec2(count, float(DEPTH));
    float variance = CENTRED ? max(all.y - all.x * all.x, 0.0) : all.y;
    return vec2(CENTRED ? pivot + all.x : 0.0, 1.0 / sqrt(variance + EPSILON));
}

#ifdef GIVEN

layout(set = 0, binding = 9) readonly buffer Moments { vec4 given[]; }; // of two parts of a row: the mean, and the sum of squared differences from it
const int ROW_THREADS = THREADS / TILE_ROWS; // neighbouring lanes, a power of two
const int EACH = G(19) > 0 ? G(19) : 1;      // pairs of parts that each of them has
#define PAIRS (DEPTH >> 5)
vec4 parts_of_row[EACH];
float pivot;

// Asked for before the first step, added up behind the last one, where nobody waits for them any more.
void begin_rows(int row0) {
    int row = row0 + thread / ROW_THREADS;
    int first = (WHOLE_ROWS ? row : min(row, ROWS - 1)) * PAIRS;
    pivot = CENTRED ? given[first].x : 0.0;
    [[unroll]] for (int i = 0; i < EACH; ++i) parts_of_row[i] = given[first + min(thread % ROW_THREADS + i * ROW_THREADS, PAIRS - 1)];
}

// Squared differences from the pivot: those from a part's mean, and that mean's, sixteen times.
void end_rows() {
    vec2 all = vec2(0.0);
    [[unroll]] for (int i = 0; i < EACH; ++i) {
        if (PAIRS % ROW_THREADS != 0 && thread % ROW_THREADS + i * ROW_THREADS >= PAIRS) continue;
        vec4 two = parts_of_row[i];
        vec2 difference = two.xz - pivot;
        all += vec2(difference.x + difference.y, two.y + two.w + 16.0 * dot(difference, difference));
    }
    [[unroll]] for (int lane = 1; lane < ROW_THREADS; lane *= 2) all += of_neighbour(all, lane);
    if (thread % ROW_THREADS == 0) normal[thread / ROW_THREADS] = normal_of(all, pivot, float(2 * PAIRS));
}

#else

float pivot[INPUT_LOADS]; // the row's first element: differences from it lose no digits where the mean is large beside the deviation
vec2 moments[INPUT_LOADS]; // of this thread's part of a row: the sum of those differences, and of their squares

void begin_rows(int row0) {
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
        int row = thread / DEPTH_EIGHTS + i * LOAD_ROWS;
        if (thread % DEPTH_EIGHTS == 0 && row < TILE_ROWS) normal[row] = normal_of(all, pivot[i], float(DEPTH));
    }
}

#endif

#endif
