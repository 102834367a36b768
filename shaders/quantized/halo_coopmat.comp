// Convolution of 8-bit integers whose windows overlap on cooperative matrix units (16 x 16 x 32, sums in int32): convolution/halo_coopmat with bytes in the place of halves, weights
// by columns, signs, zero points and slices of the depth as in quantized/coopmat. Subgroups have 32 lanes.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifndef PLAYED_MATRICES
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_cooperative_matrix : require
#pragma use_vulkan_memory_model
#endif
#include "common/interface.glsl"
#include "convolution/rows.glsl"
#include "quantized/epilogue.glsl"
#include "quantized/columns.glsl"

layout(set = 0, binding = 0) readonly buffer Inputs { uvec4 x[]; };        // sixteen channels of a position
layout(set = 0, binding = 1) readonly buffer Weights { uvec4 weights[]; }; // sixteen of a column along the depth
layout(set = 0, binding = 3) writeonly buffer Slices { ivec4 slices[]; };  // [split][row][part][padded columns]

#define X_ZERO G(10) // of signed inputs
#define FLIP (TYPE_X == TYPE_I8 ? 0u : 0x80808080u)

#define UNIT_SHIFT 4
#define LOAD_UNIT(i) (x[i] ^ FLIP)
#define OUTSIDE uvec4((X_ZERO & 255) * 0x01010101)
shared uvec4 staged[G(24) > 0 ? G(24) : 1]; // a chunk's inputs and weights, then results in their place
#define MATRICES_OF_BYTES
#include "common/matrices.glsl"
#include "convolution/halo.glsl"

const int STEP = 32; // of a fragment
const int COLUMN = TAPS * CHUNK_UNITS + 1; // sixteens of a column, an odd number
const int LOAD_TAPS = THREADS / CHUNK_UNITS; // of all columns, that one load of all threads covers
const int WEIGHT_LOADS = (TILE_COLUMNS * TAPS + LOAD_TAPS - 1) / LOAD_TAPS;

int weight[WEIGHT_LOADS]; // of the first chunk, in sixteens
uvec4 next_weights[WEIGHT_LOADS];

// Taps are counted through all columns.
int lane_tap(int i) { return (thread >> CHUNK_SHIFT - UNIT_SHIFT) + i * LOAD_TAPS; }
int column_of_tap(int tap) { return small_div(tap, TAPS); }

void place_weights(int part, int column0) {
    int depth_sixteens = PADDED_DEPTH >> 4;
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int tap = min(lane_tap(i), TILE_COLUMNS * TAPS - 1);
        int column = column_of_tap(tap);
        int at = min(column0 + column, WEIGHT_STRIDE - 1) * depth_sixteens + (tap - column * TAPS) * (CHANNELS >> 4) + LANE_UNIT;
        weight[i] = (part * WEIGHT_PART >> 4) + at;
    }
}

void fetch(int chunk) {
    fetch_inputs(chunk);
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) next_weights[i] = weights[weight[i] + chunk * CHUNK_UNITS];
}

void publish() {
    publish_inputs();
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int tap = lane_tap(i);
        if (TILE_COLUMNS * TAPS % LOAD_TAPS == 0 || tap < TILE_COLUMNS * TAPS) staged[COLUMNS_AT + tap * CHUNK_UNITS + column_of_tap(tap) + LANE_UNIT] = next_weights[i];
    }
}

void main() {
    thread = int(gl_LocalInvocationIndex);
    int part = grid_slice() / SPLITS;
    int split = grid_slice() % SPLITS;
    int parts = grid_slices() / SPLITS;
    int column0 = column_group() * TILE_COLUMNS;
    begin_tile();
    place_inputs(part);
    place_weights(part, column0);
    ivec2 chunks = chunks_of(split);
    if (chunks.x < chunks.y) fetch(chunks.x);

    int warp_line = SUBGROUP % WARPS_DOWN * WARP_LINES;
    int warp_column = SUBGROUP / WARPS_DOWN * WARP_COLUMNS;
    int lane = LANE;
    int column = column0 + warp_column + lane % WARP_FOURS * 4;
    MATRIX_SUM sum[WARP_LINES][COLUMN_FRAGMENTS];
    MATRIX_SUM weight_sum[COLUMN_FRAGMENTS];
    [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
        weight_sum[c] = ZERO_SUM;
        [[unroll]] for (int r = 0; r < WARP_LINES; ++r) sum[r][c] = weight_sum[c];
    }

    int inputs_at = warp_line * STRIDE_LINES * PART_WIDTH * PIXEL;
    int weights_at = COLUMNS_AT + warp_column * COLUMN;
    [[dont_unroll]] for (int chunk = chunks.x; chunk < chunks.y; ++chunk) {
        barrier(); // the chunk before is multiplied
        publish();
        barrier();
        if (chunk + 1 < chunks.y) fetch(chunk + 1);
        [[unroll]] for (int k = 0; k < CHUNK; k += STEP) {
            [[unroll]] for (int across = 0; across < TAPS_ACROSS; ++across) {
                MATRIX_B b[TAPS_DOWN][COLUMN_FRAGMENTS];
                [[unroll]] for (int down = 0; down < TAPS_DOWN; ++down) {
                    [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
                        coopMatLoad(b[down][c], staged, weights_at + c * SIDE * COLUMN + (down * TAPS_ACROSS + across) * CHUNK_UNITS + k / 16, COLUMN, gl_CooperativeMatrixLayoutColumnMajor);
                        if (X_ZERO != 0) weight_sum[c] = coopMatMulAdd(ONES_A, b[down][c], weight_sum[c]);
                    }
                }
                [[unroll]] for (int line = 0; line < WINDOW_LINES; ++line) {
                    MATRIX_A a;
                    coopMatLoad(a, staged, inputs_at + (line * PART_WIDTH + across * APART_PIXELS) * PIXEL + k / 16, STRIDE_PIXELS * PIXEL, gl_CooperativeMatrixLayoutRowMajor);
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
    if (X_ZERO != 0) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
            [[unroll]] for (int r = 0; r < WARP_LINES; ++r) sum[r][c] = less(sum[r][c], weight_sum[c], X_ZERO);
        }
    }

    // What the program reads is asked for a round before it is needed. Loops stay loops, as in convolution/coopmat.comp.
    bool ahead = SPLITS == 1 && OUTPUT_VECTORS && !POINTWISE_EMPTY;
    int result = SUBGROUP * SIDE * RESULT_STRIDE; // this subgroup's place among them
    int row_vectors = WEIGHT_STRIDE >> 2;
    int inside = WHOLE_COLUMNS ? column : min(column, COLUMNS - 4); // columns beyond the last read what is there
    int offset = part_output(part), first_channel = part_channel(part) + inside;
    int column_offset = offset + inside * Y_CHANNEL;
    ivec2 lane_position = first_position + ivec2(warp_line, lane / WARP_FOURS); // of this lane's first round of the epilogue
    ivec4 bias;
    Operands of_columns, next;
    if (ahead) {
        bias = with_bias(ivec4(0), first_channel);
        of_columns = column_operands(first_channel);
        next = row_operands(y_of(lane_position, column_offset));
    }
    [[dont_unroll]] for (int r = 0; r < WARP_LINES; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
            coopMatStore(sum[0][c], staged, result + c * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        subgroup_exchange();
        [[dont_unroll]] for (int right = 0; right < SIDE; right += ROUND_PIXELS) {
            ivec2 at = lane_position + ivec2(r, right);
            Operands now = next;
            if (ahead) next = row_operands(y_of(next_position(at, right, lane_position.y), column_offset));
            ivec4 value = ivec4(staged[result + (lane / WARP_FOURS + right) * RESULT_STRIDE + lane % WARP_FOURS]);
            if (!is_position(at) || (!WHOLE_COLUMNS && column >= COLUMNS)) continue;
            if (SPLITS > 1) slices[((split * ROWS + row_of_position(at)) * parts + part) * row_vectors + (column >> 2)] = value;
            else if (ahead) finish_columns(value + bias, y_of(at, column_offset), of_columns, now);
            else store_columns(value, y_of(at, offset), part, column);
        }
        subgroup_exchange();
        [[unroll]] for (int i = 0; i + 1 < WARP_LINES; ++i) {
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[i][c] = sum[i + 1][c];
        }
    }
}
