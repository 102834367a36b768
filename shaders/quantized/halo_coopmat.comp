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
const int TAP_SIXTEENS = TILE_COLUMNS * CHUNK_UNITS; // of all columns
const int TAP_SHIFT = (TILE_COLUMNS == 32 ? 5 : TILE_COLUMNS == 64 ? 6 : 7) + UNITS_SHIFT;
const int WEIGHT_LOADS = (TAPS * TAP_SIXTEENS + THREADS - 1) / THREADS;

// Numbers count taps, within these columns in eights, units, columns: eight neighbouring threads load from eight columns, which lie in different banks.
#define LANE_NUMBER(i) (thread + (i) * THREADS)
int tap_of_number(int number) { return number >> TAP_SHIFT; }
int column_of_number(int number) { return (number & 7) + (number >> 3 + UNITS_SHIFT << 3 & TILE_COLUMNS - 1); }
#define IS_NUMBER(i) (TAPS * TAP_SIXTEENS % THREADS == 0 || (i) + 1 < WEIGHT_LOADS || LANE_NUMBER(i) < TAPS * TAP_SIXTEENS)

int weight; // of the first chunk, tap and part, at this thread's place in a column; in sixteens
uvec4 next_weights[WEIGHT_LOADS];

void fetch(int chunk, int column0) {
    fetch_inputs(chunk);
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int column = min(column0 + column_of_number(LANE_NUMBER(i)), WEIGHT_STRIDE - 1);
        int tap = tap_of_number(LANE_NUMBER(i));
        next_weights[i] = IS_NUMBER(i) ? weights[weight + column * (PADDED_DEPTH >> 4) + tap * (CHANNELS >> 4) + chunk * CHUNK_UNITS] : uvec4(0);
    }
}

void publish() {
    publish_inputs();
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        if (IS_NUMBER(i)) staged[COLUMNS_AT + column_of_number(LANE_NUMBER(i)) * COLUMN + tap_of_number(LANE_NUMBER(i)) * CHUNK_UNITS + LANE_UNIT] = next_weights[i];
    }
}

void main() {
    thread = int(gl_LocalInvocationIndex);
    int part = grid_slice() / SPLITS;
    int split = grid_slice() % SPLITS;
    int parts = grid_slices() / SPLITS;
    int column0 = column_group() * TILE_COLUMNS;
    if (!begin_tile()) return;
    place_inputs(part);
    weight = (part * WEIGHT_PART >> 4) + LANE_UNIT;
    ivec2 chunks = chunks_of(split);
    if (chunks.x < chunks.y) fetch(chunks.x, column0);

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

    int inputs_at = warp_line * STRIDE_LINES * LINE * PIXEL;
    int weights_at = COLUMNS_AT + warp_column * COLUMN;
    [[dont_unroll]] for (int chunk = chunks.x; chunk < chunks.y; ++chunk) {
        barrier(); // the chunk before is multiplied
        publish();
        barrier();
        if (chunk + 1 < chunks.y) fetch(chunk + 1, column0);
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
                    coopMatLoad(a, staged, inputs_at + (line * LINE + PLACE(across * APART_PIXELS)) * PIXEL + k / 16, PIXEL, gl_CooperativeMatrixLayoutRowMajor);
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
    Operands of_columns;
    RawOperands next;
    Line line;
    if (ahead) {
        bias = with_bias(ivec4(0), first_channel);
        of_columns = column_operands(first_channel);
        line = line_of(bias, of_columns);
        next = row_operands(y_of(lane_position, column_offset));
    }
    [[dont_unroll]] for (int r = 0; r < WARP_LINES; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
            coopMatStore(sum[0][c], staged, result + c * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        subgroup_exchange();
        uint unsure = 0u; // rounds
        [[dont_unroll]] for (int right = 0; right < SIDE; right += ROUND_PIXELS) {
            ivec2 at = lane_position + ivec2(r, right);
            RawOperands now = next;
            if (ahead) next = row_operands(y_of(next_position(at, right, lane_position.y), column_offset));
            ivec4 value = ivec4(staged[result + (lane / WARP_FOURS + right) * RESULT_STRIDE + lane % WARP_FOURS]);
            if (!is_position(at) || (!WHOLE_COLUMNS && column >= COLUMNS)) continue;
            if (SPLITS > 1) slices[((split * ROWS + row_of_position(at)) * parts + part) * row_vectors + (column >> 2)] = value;
            else if (ahead && IS_LINE) unsure |= uint(!line_columns(vec4(value), line, y_of(at, column_offset), now)) << (right / ROUND_PIXELS);
            else if (ahead) finish_columns(value + bias, y_of(at, column_offset), of_columns, now);
            else store_columns(value, y_of(at, offset), part, column);
        }
        for (; IS_LINE && unsure != 0u; unsure &= unsure - 1u) {
            int right = findLSB(unsure) * ROUND_PIXELS;
            ivec4 value = ivec4(staged[result + (lane / WARP_FOURS + right) * RESULT_STRIDE + lane % WARP_FOURS]);
            program_columns(value, y_of(lane_position + ivec2(r, right), offset), part, column);
        }
        subgroup_exchange();
        [[unroll]] for (int i = 0; i + 1 < WARP_LINES; ++i) {
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[i][c] = sum[i + 1][c];
        }
    }
}
