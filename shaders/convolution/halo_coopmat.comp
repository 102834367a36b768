// Convolution of windows that overlap on cooperative matrix units (16 x 16 x 16, halves with sums in float). A workgroup computes LINES lines of 16 positions times
// TILE_COLUMNS channels. Of some channels at a time, the part of the picture that all of its windows cover (the positions and their halo) lies in shared memory once, with
// these channels' weights of all taps. A fragment of the first factor is 16 neighbouring positions of a line, read from where a tap shifts them to: nothing is gathered again
// for the next tap, and what several lines of a subgroup read, each with another line of the window, is read once for all of them.
//
// As in convolution/coopmat, the next channels are fetched into registers, every loop that indexes fragments is unrolled, places are padded by 16 bytes, results take the
// place of what has been multiplied, and slices of K are added by convolution/sum. Subgroups have 32 lanes.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#ifndef PLAYED_MATRICES
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_cooperative_matrix : require
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

#define UNIT_SHIFT 3
#define LOAD_UNIT(i) x[i]
#define OUTSIDE uvec4(0)
shared uvec4 staged[G(24) > 0 ? G(24) : 1]; // a chunk's inputs and weights, then results in their place
#include "common/matrices.glsl"
#include "convolution/halo.glsl"

const int COLUMN_EIGHTS = TILE_COLUMNS / 8; // 4, 8 or 16
const int DEPTH_OF_CHUNK = TAPS * CHUNK;
const int WEIGHT_LINE = COLUMN_EIGHTS + 1;
const int LOAD_WEIGHTS = THREADS / COLUMN_EIGHTS; // rows of them
const int WEIGHT_LOADS = (DEPTH_OF_CHUNK + LOAD_WEIGHTS - 1) / LOAD_WEIGHTS;

// Of few columns eight neighbouring threads load eight rows, which lie in different banks.
const int EIGHTS_SHIFT = COLUMN_EIGHTS == 4 ? 2 : COLUMN_EIGHTS == 8 ? 3 : 4;
#define LANE_EIGHT (COLUMN_EIGHTS == 4 ? thread >> 3 & 3 : thread & COLUMN_EIGHTS - 1)
#define LANE_ROW (COLUMN_EIGHTS == 4 ? (thread & 7) + (thread >> 5 << 3) : thread >> EIGHTS_SHIFT)
#define IS_ROW(i) (DEPTH_OF_CHUNK % LOAD_WEIGHTS == 0 || (i) + 1 < WEIGHT_LOADS || LANE_ROW + (i) * LOAD_WEIGHTS < DEPTH_OF_CHUNK)

int weight; // of this thread's first load, in eights
uvec4 next_weights[WEIGHT_LOADS];

// Row `row` of a chunk's weights, which are CHUNK of each tap's, among all rows.
int row_of_chunk(int row) { return row + (row >> CHUNK_SHIFT) * (CHANNELS - CHUNK); }
// The same, between this thread's first load and another one.
int row_of_load(int i) {
    if (LOAD_WEIGHTS % CHUNK == 0) return i * (LOAD_WEIGHTS >> CHUNK_SHIFT) * CHANNELS;
    return row_of_chunk(LANE_ROW + i * LOAD_WEIGHTS) - row_of_chunk(LANE_ROW);
}

void fetch(int chunk) {
    fetch_inputs(chunk);
    int row_eights = WEIGHT_STRIDE >> 3;
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) next_weights[i] = IS_ROW(i) ? weights[weight + (row_of_load(i) + chunk * CHUNK) * row_eights] : uvec4(0);
}

void publish() {
    publish_inputs();
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        if (IS_ROW(i)) staged[COLUMNS_AT + (LANE_ROW + i * LOAD_WEIGHTS) * WEIGHT_LINE + LANE_EIGHT] = next_weights[i];
    }
}

// One function, since sums outside of it would not stay in registers.
void main() {
    thread = int(gl_LocalInvocationIndex);
    int part = grid_slice() / SPLITS;
    int split = grid_slice() % SPLITS;
    int parts = grid_slices() / SPLITS;
    int first_eight = column_group() * COLUMN_EIGHTS;
    int row_eights = WEIGHT_STRIDE >> 3;
    int row_vectors = WEIGHT_STRIDE >> 2;
    if (!begin_tile()) return;
    place_inputs(part);
    int eight = first_eight + LANE_EIGHT;
    weight = ((part * WEIGHT_PART) >> 3) + row_of_chunk(LANE_ROW) * row_eights + (WHOLE_COLUMNS ? eight : min(eight, row_eights - 1));
    ivec2 chunks = chunks_of(split);
    if (chunks.x < chunks.y) fetch(chunks.x);

    int warp_line = SUBGROUP % WARPS_DOWN * WARP_LINES;
    int warp_column = (SHARING == 1 ? SUBGROUP / WARPS_DOWN : SUBGROUP / WARPS_DOWN % (WARPS / WARPS_DOWN)) * WARP_COLUMNS;
    int turn = SHARING == 1 ? 0 : SUBGROUP / WARPS; // of those that share a part
    int lane = LANE;
    int vector = 2 * first_eight + warp_column / 4 + lane % WARP_FOURS;
    int column = 4 * vector;
    int channel = part_channel(part) + 4 * (WHOLE_COLUMNS ? vector : min(vector, row_vectors - 1));
    vec4 lane_bias = SPLITS > 1 ? vec4(0.0) : vec4(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]);
    MATRIX_SUM sum[WARP_LINES][COLUMN_FRAGMENTS];
    [[unroll]] for (int r = 0; r < WARP_LINES; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[r][c] = ZERO_SUM;
    }

    int inputs_at = warp_line * STRIDE_LINES * LINE * PIXEL;
    int weights_at = COLUMNS_AT + warp_column / 8;
    [[dont_unroll]] for (int chunk = chunks.x; chunk < chunks.y; ++chunk) {
        barrier(); // the chunk before is multiplied
        publish();
        barrier();
        if (chunk + 1 < chunks.y) fetch(chunk + 1);
        [[unroll]] for (int of_turn = 0; of_turn < CHUNK / SHARING; of_turn += SIDE) {
            int k = turn * (CHUNK / SHARING) + of_turn;
            [[unroll]] for (int across = 0; across < TAPS_ACROSS; ++across) {
                MATRIX_B b[TAPS_DOWN][COLUMN_FRAGMENTS];
                [[unroll]] for (int down = 0; down < TAPS_DOWN; ++down) {
                    [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
                        coopMatLoad(b[down][c], staged, weights_at + ((down * TAPS_ACROSS + across) * CHUNK + k) * WEIGHT_LINE + c * SIDE / 8, WEIGHT_LINE, gl_CooperativeMatrixLayoutRowMajor);
                }
                [[unroll]] for (int line = 0; line < WINDOW_LINES; ++line) {
                    MATRIX_A a;
                    coopMatLoad(a, staged, inputs_at + (line * LINE + PLACE(across * APART_PIXELS)) * PIXEL + k / 8, PIXEL, gl_CooperativeMatrixLayoutRowMajor);
                    // Divisions would hide from compilers which sums these are.
                    [[unroll]] for (int r = 0; r < WARP_LINES; ++r) {
                        [[unroll]] for (int down = 0; down < TAPS_DOWN; ++down) {
                            if (r * STRIDE_LINES + down * APART_LINES != line) continue;
                            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[r][c] = coopMatMulAdd(a, b[down][c], sum[r][c]);
                        }
                    }
                }
            }
        }
    }

    barrier(); // before results take the place of what others may still multiply
    int result = SUBGROUP * SIDE * RESULT_STRIDE; // this subgroup's place among them
    int inside_column = WHOLE_COLUMNS ? column : min(column, COLUMNS - 4);
    int offset = result_offset(part), first_channel = part_channel(part) + inside_column;
    int column_offset = offset + inside_column * Y_CHANNEL;
    int first_result = result - turn * WARPS * SIDE * RESULT_STRIDE; // that of the first one of those that share its part
    int first_right = turn * ROUND_PIXELS;
    ivec2 lane_position = first_position + ivec2(warp_line, first_right + lane / WARP_FOURS); // of this lane's first round of the epilogue
    // What the program reads is asked for a round before it is needed.
    bool ahead = SPLITS == 1 && OUTPUT_VECTORS && !POINTWISE_EMPTY;
    Operands next;
    if (ahead) next = load_operands(y_of(lane_position, column_offset), first_channel);
    // The loops stay loops, and fragments move up to where the next round stores them, as in convolution/coopmat.
    [[dont_unroll]] for (int r = 0; r < WARP_LINES; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
            coopMatStore(sum[0][c], staged, result + c * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        exchange_among(SHARING);
        [[dont_unroll]] for (int right = first_right; right < SIDE; right += TURN_PIXELS) {
            ivec2 at = lane_position + ivec2(r, right - first_right);
            Operands now = next;
            if (ahead) next = load_operands(y_of(next_position(at, right, lane_position.y), column_offset), first_channel);
            int from = first_result + (lane / WARP_FOURS + right) * RESULT_STRIDE + lane % WARP_FOURS;
            vec4 value = uintBitsToFloat(staged[from]) + lane_bias;
            [[unroll]] for (int other = 1; other < SHARING; ++other) value += uintBitsToFloat(staged[from + other * WARPS * SIDE * RESULT_STRIDE]);
            if (!is_position(at) || (!WHOLE_COLUMNS && vector >= row_vectors)) continue;
            if (SPLITS > 1) {
                slices[((split * ROWS + row_of_position(at)) * parts + part) * row_vectors + vector] = value;
            } else if (!ahead) {
                store_columns(value, y_of(at, offset), part, column);
            } else if (WHOLE_COLUMNS || column < COLUMNS) {
                STORE4(y, OUT_HALF, y_of(at, column_offset) >> 2, finish4(value, now))
            }
        }
        exchange_among(SHARING);
        [[unroll]] for (int i = 0; i + 1 < WARP_LINES; ++i) {
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[i][c] = sum[i + 1][c];
        }
    }
}
