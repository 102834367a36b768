// Convolution as a product of half matrices on cooperative matrix units (16 x 16 x 16, sums in float), staged through shared memory.
//
// A workgroup computes TILE_ROWS positions times TILE_COLUMNS channels, a subgroup WARP_ROWS times WARP_COLUMNS of them as fragments. One
// shared buffer and an unconditional prefetch of the next step into registers, or two of both for small tiles: measured best, as are
// [[unroll]] on every loop that indexes fragments (else they spill) and rows padded by 16 bytes. Results pass through shared memory as floats, a row of fragments
// of each subgroup at a time (little memory, so that many workgroups fit), and lanes pick fours of channels out of it. With SPLITS > 1 each
// workgroup sums one slice of K, and convolution/sum adds the slices. Where there are more subgroups than parts of the tile, several share a part: each multiplies
// some of a step's depth, and the epilogue adds what they have. Subgroups have 32 lanes.
//
// NORMALIZED: the rows of a matrix product are normalised on their way in, (x - mean) / deviation. The sums are those of x as it is: what each row lacks,
// sum = (x w - mean * sum of w) / deviation, is known once all of it has passed through this workgroup, in the epilogue. GIVEN: it is known before.
// MOMENTS: of each sixteen columns of a row of results also their mean, and the sum of their squared differences from it, are stored.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#ifndef PLAYED_MATRICES
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_cooperative_matrix : require
#if defined(NORMALIZED) || defined(MOMENTS)
#extension GL_KHR_shader_subgroup_shuffle : require
#endif
#pragma use_vulkan_memory_model
#endif
#include "common/interface.glsl"
#include "convolution/product.glsl"

layout(set = 0, binding = 0) readonly buffer Inputs { uvec4 x[]; };        // eight halves, channels together
layout(set = 0, binding = 1) readonly buffer Weights { uvec4 weights[]; }; // eight halves of a row
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
layout(set = 0, binding = 3) writeonly buffer Slices { vec4 slices[]; }; // as in convolution/shared
DEFINE_STORE_COLUMNS(y)

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_ROWS = G(4) > 0 ? G(4) : 32;
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 32;
const int TILE_DEPTH = G(6) > 0 ? G(6) : 32;
const int WARP_ROWS = G(7) > 0 ? G(7) : 16;
const int WARP_COLUMNS = G(8) > 0 ? G(8) : 16;
const int THREADS = G(9) > 0 ? G(9) : 128; // 32 * (TILE_ROWS / WARP_ROWS) * (TILE_COLUMNS / WARP_COLUMNS) * SHARING
const int SPLITS = G(10) > 0 ? G(10) : 1;

const int AHEAD = G(13) > 0 ? G(13) : 1; // steps fetched ahead, and buffers
const bool INSIDE = G(11) != 0;          // no tap of any position lies outside of the picture
const int BURST = G(14) > 0 ? G(14) : 1; // most rounds of the epilogue whose operands are asked for together

const int SIDE = 16; // of a fragment
const int ROW_FRAGMENTS = WARP_ROWS / SIDE;
const int COLUMN_FRAGMENTS = WARP_COLUMNS / SIDE;
const int WARPS_DOWN = TILE_ROWS / WARP_ROWS;
const int WARPS = WARPS_DOWN * (TILE_COLUMNS / WARP_COLUMNS); // parts of the tile
const int SHARING = THREADS / 32 / WARPS > 0 ? THREADS / 32 / WARPS : 1; // subgroups of each
const int DEPTH_EIGHTS = TILE_DEPTH / 8; // divides THREADS, as COLUMN_EIGHTS does
const int COLUMN_EIGHTS = TILE_COLUMNS / 8;
const int INPUT_STRIDE = DEPTH_EIGHTS + 1; // in eights
const int WEIGHT_LINE = COLUMN_EIGHTS + 1;
const int LOAD_ROWS = THREADS / DEPTH_EIGHTS; // that one load of all threads covers
const int LOAD_LINES = THREADS / COLUMN_EIGHTS;
const int INPUT_LOADS = (TILE_ROWS + LOAD_ROWS - 1) / LOAD_ROWS;
const int WEIGHT_LOADS = (TILE_DEPTH + LOAD_LINES - 1) / LOAD_LINES;
const int INPUT_BUFFER = TILE_ROWS * INPUT_STRIDE;
const int WEIGHT_BUFFER = TILE_DEPTH * WEIGHT_LINE;
const int WARP_FOURS = WARP_COLUMNS / 4;
const int RESULT_STRIDE = WARP_FOURS + 1; // in fours of floats
const int LANES = 32;
const int ROUND_ROWS = LANES / WARP_FOURS; // of the epilogue
const int TOGETHER = BURST * ROUND_ROWS < SIDE ? BURST : SIDE / ROUND_ROWS;
// From round to round of a subgroup: those that share a part take turns, as long as there are rows. Their bursts are of one round.
const int TURN_ROWS = SHARING * TOGETHER * ROUND_ROWS < SIDE ? SHARING * TOGETHER * ROUND_ROWS : SIDE;

// Inputs and weights, and when they have been multiplied the results in their place: what one workgroup does not take, another one has.
const int COLUMNS_AT = AHEAD * INPUT_BUFFER;
const int STEPS_SIZE = AHEAD * (INPUT_BUFFER + WEIGHT_BUFFER);
const int RESULTS_SIZE = THREADS / LANES * SIDE * RESULT_STRIDE;
shared uvec4 staged[STEPS_SIZE > RESULTS_SIZE ? STEPS_SIZE : RESULTS_SIZE];
#include "common/matrices.glsl"

int thread;
#define LANE_DEPTH (thread % DEPTH_EIGHTS * 8) // of a step, where this thread loads
int origin[INPUT_LOADS]; // eight of the first tap, at this thread's place in a step; it may lie outside
ivec3 from[INPUT_LOADS];
int weight; // of this thread's first load, in eights
uvec4 next_inputs[AHEAD * INPUT_LOADS];
uvec4 next_weights[AHEAD * WEIGHT_LOADS];

// What all that a thread loads in a step has in common. It is known a step before it is needed, since loads that wait for it are late.
struct Place {
    ivec3 shift; // of the tap
    int offset;  // in eights
    int k0;
};

// Behind the last step the last one comes again.
Place place_of(int step) {
    int k0 = min(step * TILE_DEPTH, PADDED_DEPTH - TILE_DEPTH);
    // Channels come in eights: one load never spans two taps. Where a step does not either, they are one number for all threads.
    int tap = tap_of(CHANNELS % TILE_DEPTH == 0 ? k0 : k0 + LANE_DEPTH);
    ivec3 shift = tap_shift(tap);
    return Place(shift, (x_offset(shift) + k0 - tap * CHANNELS) >> 3, k0);
}

void fetch(int u, Place place) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        bool inside = (PADDED_DEPTH == DEPTH || place.k0 + LANE_DEPTH < DEPTH) && (INSIDE || is_inside(from[i] + place.shift));
        next_inputs[u * INPUT_LOADS + i] = inside ? x[origin[i] + place.offset] : uvec4(0);
    }
    int row_eights = WEIGHT_STRIDE >> 3;
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i)
        next_weights[u * WEIGHT_LOADS + i] = weights[weight + (place.k0 + i * LOAD_LINES) * row_eights];
}

void publish(int u) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int row = thread / DEPTH_EIGHTS + i * LOAD_ROWS;
        if (TILE_ROWS % LOAD_ROWS == 0 || row < TILE_ROWS)
            staged[u * INPUT_BUFFER + row * INPUT_STRIDE + thread % DEPTH_EIGHTS] = next_inputs[u * INPUT_LOADS + i];
    }
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int line = thread / COLUMN_EIGHTS + i * LOAD_LINES;
        if (TILE_DEPTH % LOAD_LINES == 0 || line < TILE_DEPTH)
            staged[COLUMNS_AT + u * WEIGHT_BUFFER + line * WEIGHT_LINE + thread % COLUMN_EIGHTS] = next_weights[u * WEIGHT_LOADS + i];
    }
}

#ifdef NORMALIZED
#include "convolution/moments.glsl"
#endif
#ifdef MOMENTS
#include "convolution/results_moments.glsl"
#endif

// The element of a row's first channel in the output, negative where it has none there.
int y_of(int row, int offset) {
    int y_row = Y_DENSE ? row * Y_PIXEL : row_of(row).y;
    return CROPPED && y_row < 0 ? -1 : y_row + offset;
}

// Rows and columns beyond the last, and rows without an output, read what is there. Of single rounds one more is asked for than there are.
Operands operands_of(int row, int offset, int part, int column) {
    int inside = WHOLE_COLUMNS ? column : min(column, COLUMNS - 4);
    int y_row = y_of(WHOLE_ROWS && BURST > 1 ? row : min(row, ROWS - 1), offset);
    return load_operands((CROPPED ? max(y_row, 0) : y_row) + inside * Y_CHANNEL, part_channel(part) + inside);
}

// Where the rows that this invocation loads begin. What needs no division has none.
void place_inputs(int row0, int part) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int at = row0 + thread / DEPTH_EIGHTS + i * LOAD_ROWS;
        if (!WHOLE_ROWS || TILE_ROWS % LOAD_ROWS != 0) at = min(at, ROWS - 1);
        if (INSIDE && X_DENSE) {
            origin[i] = (at * X_PIXEL + part_input(part) + LANE_DEPTH) >> 3;
            from[i] = ivec3(0);
        } else {
            Row row = row_of(at);
            origin[i] = (row.x + x_offset(row.from) + part_input(part) + LANE_DEPTH) >> 3;
            from[i] = row.from;
        }
    }
}

// One function, since sums outside of it would not stay in registers.
void main() {
#ifdef NORMALIZED
    thread = SUBGROUP * LANES + LANE; // whose neighbours are a subgroup's
#else
    thread = int(gl_LocalInvocationIndex);
#endif
    int part = grid_slice() / SPLITS;
    int split = grid_slice() % SPLITS;
    int parts = grid_slices() / SPLITS;
    begin_part(part);
    int row0 = row_group() * TILE_ROWS;
    int first_eight = column_group() * COLUMN_EIGHTS;
    int row_eights = WEIGHT_STRIDE >> 3;
    int row_vectors = WEIGHT_STRIDE >> 2;
    place_inputs(row0, part);
    int eight = first_eight + thread % COLUMN_EIGHTS;
    weight = ((part * WEIGHT_PART) >> 3) + thread / COLUMN_EIGHTS * row_eights + (WHOLE_COLUMNS ? eight : min(eight, row_eights - 1));

    int warp_row = SUBGROUP % WARPS_DOWN;
    int warp_column = SHARING == 1 ? SUBGROUP / WARPS_DOWN : SUBGROUP / WARPS_DOWN % (WARPS / WARPS_DOWN);
    int turn = SHARING == 1 ? 0 : SUBGROUP / WARPS; // of those that share a part
    int lane = LANE;
    int first_row = row0 + warp_row * WARP_ROWS;
    int first_vector = 2 * first_eight + warp_column * WARP_FOURS;
    int vector = first_vector + lane % WARP_FOURS;

    // PADDED_DEPTH is a multiple of AHEAD steps.
    int steps = (PADDED_DEPTH / (TILE_DEPTH * AHEAD) + SPLITS - 1) / SPLITS * AHEAD;
    int first = split * steps;
    int last = min(first + steps, used_steps(TILE_DEPTH * AHEAD) * AHEAD);
    [[unroll]] for (int u = 0; u < AHEAD; ++u) fetch(u, place_of(first + u));
    Place place = place_of(first + AHEAD);
#ifdef NORMALIZED
    begin_rows(row0);
#endif

    // The bias is asked for while the first step is on its way: that of a lane's channels, which are the same in all rounds of the epilogue.
    int channel = part_channel(part) + 4 * (WHOLE_COLUMNS ? vector : min(vector, row_vectors - 1));
    vec4 lane_bias = SPLITS > 1 ? vec4(0.0) : vec4(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]);
#ifdef NORMALIZED
    vec4 lane_sums = vec4(column_sums[channel], column_sums[channel + 1], column_sums[channel + 2], column_sums[channel + 3]);
#endif
    MATRIX_SUM sum[ROW_FRAGMENTS][COLUMN_FRAGMENTS];
    [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[r][c] = ZERO_SUM;
    }

    for (int s = first; s < last; s += AHEAD) {
        [[unroll]] for (int u = 0; u < AHEAD; ++u) {
            if (AHEAD == 1) barrier(); // of two buffers the other one is being read
            publish(u);
#if defined(NORMALIZED) && !defined(GIVEN)
            uvec4 passed[INPUT_LOADS];
            [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) passed[i] = next_inputs[u * INPUT_LOADS + i];
#endif
            barrier();
            // Steps too many at the end: a branch around them costs more than the load.
            fetch(u, place);
            place = place_of(s + u + AHEAD + 1);
#if defined(NORMALIZED) && !defined(GIVEN)
            add_moments(passed); // behind the barrier, where nobody waits for them
#endif
            [[unroll]] for (int of_turn = 0; of_turn < TILE_DEPTH / SHARING; of_turn += SIDE) {
                int k = turn * (TILE_DEPTH / SHARING) + of_turn;
                MATRIX_A a[ROW_FRAGMENTS];
                [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r)
                    coopMatLoad(a[r], staged, u * INPUT_BUFFER + (warp_row * WARP_ROWS + r * SIDE) * INPUT_STRIDE + k / 8, INPUT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
                    MATRIX_B b;
                    coopMatLoad(b, staged, COLUMNS_AT + u * WEIGHT_BUFFER + k * WEIGHT_LINE + (warp_column * WARP_COLUMNS + c * SIDE) / 8, WEIGHT_LINE, gl_CooperativeMatrixLayoutRowMajor);
                    [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) sum[r][c] = coopMatMulAdd(a[r], b, sum[r][c]);
                }
            }
        }
    }

#ifdef NORMALIZED
    end_rows();
#endif
    barrier(); // before results take the place of what others may still multiply
    int result = SUBGROUP * SIDE * RESULT_STRIDE; // this subgroup's place among them
    int first_result = result - turn * WARPS * SIDE * RESULT_STRIDE; // that of the first one of those that share its part
    int offset = result_offset(part);
    int first_down = turn * TOGETHER * ROUND_ROWS;
    int lane_row = first_row + first_down + lane / WARP_FOURS; // of this lane's first round of the epilogue; each round goes down by some rows
    int column = 4 * vector;
    // What the program reads is asked for a burst of rounds before it is needed.
    bool ahead = SPLITS == 1 && OUTPUT_VECTORS && !POINTWISE_EMPTY;
    Operands next[TOGETHER];
    if (ahead) {
        [[unroll]] for (int i = 0; i < TOGETHER; ++i) next[i] = operands_of(lane_row + i * ROUND_ROWS, offset, part, column);
    }
#ifdef MOMENTS // neighbours need each other, also where those that share a part have no row left
#define LAST_DOWN (first_down + SIDE)
#define DOWN(down) ((down) % SIDE)
#else
#define LAST_DOWN SIDE
#define DOWN(down) (down)
#endif
    // The loops stay loops, and fragments move up to where the next round stores them: the program is there once, not once a fragment. Instructions come from
    // memory as well.
    [[dont_unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
            coopMatStore(sum[0][c], staged, result + c * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        exchange_among(SHARING);
        [[dont_unroll]] for (int down = first_down; down < LAST_DOWN; down += TURN_ROWS) {
            int burst_row = lane_row + r * SIDE + down - first_down;
            Operands now[TOGETHER];
            [[unroll]] for (int i = 0; i < TOGETHER; ++i) now[i] = next[i];
            if (ahead && (BURST == 1 || r * SIDE + down + TURN_ROWS < WARP_ROWS)) {
                [[unroll]] for (int i = 0; i < TOGETHER; ++i) next[i] = operands_of(burst_row + TURN_ROWS + i * ROUND_ROWS, offset, part, column);
            }
            [[unroll]] for (int i = 0; i < TOGETHER; ++i) {
                int row = burst_row + i * ROUND_ROWS;
                int at = first_result + (lane / WARP_FOURS + DOWN(down) + i * ROUND_ROWS) * RESULT_STRIDE + lane % WARP_FOURS;
                vec4 value = uintBitsToFloat(staged[at]);
                [[unroll]] for (int other = 1; other < SHARING; ++other) value += uintBitsToFloat(staged[at + other * WARPS * SIDE * RESULT_STRIDE]);
#ifdef NORMALIZED
                value = (value - normal[row - row0].x * lane_sums) * normal[row - row0].y;
#endif
                value += lane_bias;
#ifdef MOMENTS
                // All lanes go along. Rows are dense, so that moments lie like them.
                bool there = down < SIDE && (WHOLE_ROWS || row < ROWS) && (WHOLE_COLUMNS || column < COLUMNS);
                store_with_moments(finish4(value, now[i]), (row * COLUMNS + column) >> 2, there);
#else
                if ((!WHOLE_ROWS && row >= ROWS) || (!WHOLE_COLUMNS && vector >= row_vectors)) continue;
                if (SPLITS > 1) {
                    slices[((split * ROWS + row) * parts + part) * row_vectors + vector] = value;
                    continue;
                }
                int y_row = y_of(row, offset);
                if (CROPPED && y_row < 0) continue;
                if (!ahead) {
                    store_columns(value, y_row, part, column);
                } else if (WHOLE_COLUMNS || column < COLUMNS) {
                    STORE4(y, OUT_HALF, (y_row + column * Y_CHANNEL) >> 2, finish4(value, now[i]))
                }
#endif
            }
        }
        exchange_among(SHARING);
        [[unroll]] for (int i = 0; i + 1 < ROW_FRAGMENTS; ++i) {
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[i][c] = sum[i + 1][c];
        }
    }
}
