// A product of 8-bit integers on cooperative matrix units (16 x 16 x 32, sums in int32). The tiling is that of convolution/coopmat.comp with bytes in
// the place of halves; weights lie by columns ([column][depth], other orders cost nearly half of the speed). With SPLITS > 1 quantized/sum adds the slices
// of the depth. Signs and zero points are those of quantized/dot.comp: the sums of the weights, which a zero point of the inputs is taken out with, are one
// more row of products, by ones. Subgroups have 32 lanes.
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

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_ROWS = G(4) > 0 ? G(4) : 32;
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 32;
const int TILE_DEPTH = G(6) > 0 ? G(6) : 64;
const int WARP_ROWS = G(7) > 0 ? G(7) : 16;
const int WARP_COLUMNS = G(8) > 0 ? G(8) : 16;
const int THREADS = G(9) > 0 ? G(9) : 128; // 32 * (TILE_ROWS / WARP_ROWS) * (TILE_COLUMNS / WARP_COLUMNS)
#define X_ZERO G(10)                       // of signed inputs
#define FLIP (TYPE_X == TYPE_I8 ? 0u : 0x80808080u)
#define OUTSIDE uvec4((X_ZERO & 255) * 0x01010101)
const int SPLITS = G(11) > 0 ? G(11) : 1;
const bool INSIDE = G(13) != 0;          // no tap of any position lies outside of the picture
const int BURST = G(14) > 0 ? G(14) : 1; // most rounds of the epilogue whose operands are asked for together

const int SIDE = 16, STEP = 32; // of a fragment
const int ROW_FRAGMENTS = WARP_ROWS / SIDE;
const int COLUMN_FRAGMENTS = WARP_COLUMNS / SIDE;
const int WARPS_DOWN = TILE_ROWS / WARP_ROWS;
const int LINE = TILE_DEPTH / 16; // sixteens of a row or column; divides THREADS
const int LINE_STRIDE = LINE + 1;
const int LOAD_LINES = THREADS / LINE; // that one load of all threads covers
const int INPUT_LOADS = (TILE_ROWS + LOAD_LINES - 1) / LOAD_LINES;
const int WEIGHT_LOADS = (TILE_COLUMNS + LOAD_LINES - 1) / LOAD_LINES;
const int WARP_FOURS = WARP_COLUMNS / 4;
const int RESULT_STRIDE = WARP_FOURS + 1; // in fours of sums
const int LANES = 32;
const int ROUND_ROWS = LANES / WARP_FOURS; // of the epilogue
const int TOGETHER = BURST * ROUND_ROWS < SIDE ? BURST : SIDE / ROUND_ROWS;

// Inputs and weights, then results, as there.
const int COLUMNS_AT = TILE_ROWS * LINE_STRIDE;
const int STEP_SIZE = (TILE_ROWS + TILE_COLUMNS) * LINE_STRIDE;
const int RESULTS_SIZE = THREADS / LANES * SIDE * RESULT_STRIDE;
shared uvec4 staged[STEP_SIZE > RESULTS_SIZE ? STEP_SIZE : RESULTS_SIZE];
#define MATRICES_OF_BYTES
#include "common/matrices.glsl"

int thread;
#define LANE_DEPTH (thread % LINE * 16) // of a step, where this thread loads
int origin[INPUT_LOADS]; // sixteen of the first tap, at this thread's place in a step; it may lie outside
ivec3 from[INPUT_LOADS];
int weight[WEIGHT_LOADS]; // of the first step, in sixteens
uvec4 next_inputs[INPUT_LOADS];
uvec4 next_weights[WEIGHT_LOADS];

// As in convolution/coopmat.comp; channels come in sixteens.
struct Place {
    ivec3 shift; // of the tap
    int offset;  // in sixteens
    int k0;
};

// Behind the last step the last one comes again.
Place place_of(int step) {
    int k0 = min(step * TILE_DEPTH, PADDED_DEPTH - TILE_DEPTH);
    int tap = tap_of(CHANNELS % TILE_DEPTH == 0 ? k0 : k0 + LANE_DEPTH);
    ivec3 shift = tap_shift(tap);
    return Place(shift, (x_offset(shift) + k0 - tap * CHANNELS) >> 4, k0);
}

void fetch(Place place) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        bool inside = (PADDED_DEPTH == DEPTH || place.k0 + LANE_DEPTH < DEPTH) && (INSIDE || is_inside(from[i] + place.shift));
        next_inputs[i] = inside ? x[origin[i] + place.offset] ^ FLIP : OUTSIDE;
    }
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) next_weights[i] = weights[weight[i] + (place.k0 >> 4)];
}

void publish() {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int row = thread / LINE + i * LOAD_LINES;
        if (TILE_ROWS % LOAD_LINES == 0 || row < TILE_ROWS) staged[row * LINE_STRIDE + thread % LINE] = next_inputs[i];
    }
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int column = thread / LINE + i * LOAD_LINES;
        if (TILE_COLUMNS % LOAD_LINES == 0 || column < TILE_COLUMNS) staged[COLUMNS_AT + column * LINE_STRIDE + thread % LINE] = next_weights[i];
    }
}

// Where the rows that this invocation loads begin. What needs no division has none.
void place_inputs(int row0, int part) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int at = row0 + thread / LINE + i * LOAD_LINES;
        if (!WHOLE_ROWS || TILE_ROWS % LOAD_LINES != 0) at = min(at, ROWS - 1);
        if (INSIDE && X_DENSE) {
            origin[i] = (at * X_PIXEL + part_input(part) + LANE_DEPTH) >> 4;
            from[i] = ivec3(0);
        } else {
            Row row = row_of(at);
            origin[i] = (row.x + x_offset(row.from) + part_input(part) + LANE_DEPTH) >> 4;
            from[i] = row.from;
        }
    }
}

// The element of a row's first channel in the output, negative where it has none there.
int y_of(int row, int offset) {
    int y_row = Y_DENSE ? row * Y_PIXEL : row_of(row).y;
    return CROPPED && y_row < 0 ? -1 : y_row + offset;
}

// Rows beyond the last, and those without an output, read what is there.
RawOperands operands_of(int row, int offset) {
    int y_row = y_of(WHOLE_ROWS ? row : min(row, ROWS - 1), offset);
    return row_operands(CROPPED ? max(y_row, 0) : y_row);
}

void main() {
    thread = int(gl_LocalInvocationIndex);
    int part = grid_slice() / SPLITS;
    int split = grid_slice() % SPLITS;
    int parts = grid_slices() / SPLITS;
    begin_part(part);
    int row0 = row_group() * TILE_ROWS;
    int column0 = column_group() * TILE_COLUMNS;
    int depth_sixteens = PADDED_DEPTH >> 4;
    place_inputs(row0, part);
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i)
        weight[i] = (part * WEIGHT_PART >> 4) + min(column0 + thread / LINE + i * LOAD_LINES, WEIGHT_STRIDE - 1) * depth_sixteens + thread % LINE;
    int steps = (PADDED_DEPTH / TILE_DEPTH + SPLITS - 1) / SPLITS;
    int first_step = split * steps;
    int last_step = min(first_step + steps, used_steps(TILE_DEPTH));
    fetch(place_of(first_step));
    Place place = place_of(first_step + 1);

    int warp_row = SUBGROUP % WARPS_DOWN;
    int warp_column = SUBGROUP / WARPS_DOWN;
    int lane = LANE;
    int result = SUBGROUP * SIDE * RESULT_STRIDE; // this subgroup's place among them
    int offset = part_output(part);
    int lane_row = row0 + warp_row * WARP_ROWS + lane / WARP_FOURS; // of this lane's first round of the epilogue; each round goes down by some rows
    int column = column0 + warp_column * WARP_COLUMNS + lane % WARP_FOURS * 4;
    MATRIX_SUM sum[ROW_FRAGMENTS][COLUMN_FRAGMENTS];
    MATRIX_SUM weight_sum[COLUMN_FRAGMENTS];
    [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
        weight_sum[c] = ZERO_SUM;
        [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) sum[r][c] = weight_sum[c];
    }
    for (int s = first_step; s < last_step; ++s) {
        barrier();
        publish();
        barrier();
        // One step too many at the end: a branch around it costs more than the load.
        fetch(place);
        place = place_of(s + 2);
        [[unroll]] for (int k = 0; k < TILE_DEPTH; k += STEP) {
            MATRIX_A a[ROW_FRAGMENTS];
            [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r)
                coopMatLoad(a[r], staged, (warp_row * WARP_ROWS + r * SIDE) * LINE_STRIDE + k / 16, LINE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
                MATRIX_B b;
                coopMatLoad(b, staged, COLUMNS_AT + (warp_column * WARP_COLUMNS + c * SIDE) * LINE_STRIDE + k / 16, LINE_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
                [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) sum[r][c] = coopMatMulAdd(a[r], b, sum[r][c]);
                if (X_ZERO != 0) weight_sum[c] = coopMatMulAdd(ONES_A, b, weight_sum[c]);
            }
        }
    }
    barrier(); // before results take the place of what others may still multiply
    if (X_ZERO != 0) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
            [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) sum[r][c] = less(sum[r][c], weight_sum[c], X_ZERO);
        }
    }

    // What the program reads is asked for a burst before it is needed. Loops stay loops, as in convolution/coopmat.comp.
    bool ahead = SPLITS == 1 && OUTPUT_VECTORS && !POINTWISE_EMPTY;
    int row_vectors = WEIGHT_STRIDE >> 2;
    int inside = WHOLE_COLUMNS ? column : min(column, COLUMNS - 4); // columns beyond the last read what is there
    int first = part_channel(part) + inside;
    int row_offset = offset + inside * Y_CHANNEL;
    ivec4 bias;
    Operands of_columns;
    Line line;
    RawOperands next[TOGETHER];
    if (ahead) {
        bias = with_bias(ivec4(0), first);
        of_columns = column_operands(first);
        line = line_of(bias, of_columns);
        [[unroll]] for (int i = 0; i < TOGETHER; ++i) next[i] = operands_of(lane_row + i * ROUND_ROWS, row_offset);
    }
    [[dont_unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
            coopMatStore(sum[0][c], staged, result + c * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        subgroup_exchange();
        uint unsure = 0u; // rounds
        [[dont_unroll]] for (int down = 0; down < SIDE; down += TOGETHER * ROUND_ROWS) {
            int burst_row = lane_row + r * SIDE + down;
            RawOperands now[TOGETHER];
            [[unroll]] for (int i = 0; i < TOGETHER; ++i) now[i] = next[i];
            if (ahead && r * SIDE + down + TOGETHER * ROUND_ROWS < WARP_ROWS) {
                [[unroll]] for (int i = 0; i < TOGETHER; ++i) next[i] = operands_of(burst_row + (TOGETHER + i) * ROUND_ROWS, row_offset);
            }
            [[unroll]] for (int i = 0; i < TOGETHER; ++i) {
                int row = burst_row + i * ROUND_ROWS;
                ivec4 value = ivec4(staged[result + (lane / WARP_FOURS + down + i * ROUND_ROWS) * RESULT_STRIDE + lane % WARP_FOURS]);
                if ((!WHOLE_ROWS && row >= ROWS) || (!WHOLE_COLUMNS && column >= COLUMNS)) continue;
                if (SPLITS > 1) slices[((split * ROWS + row) * parts + part) * row_vectors + (column >> 2)] = value;
                else if (CROPPED && y_of(row, offset) < 0) continue;
                else if (ahead && IS_LINE) unsure |= uint(!line_columns(vec4(value), line, y_of(row, row_offset), now[i])) << (down / ROUND_ROWS + i);
                else if (ahead) finish_columns(value + bias, y_of(row, row_offset), of_columns, now[i]);
                else store_columns(value, y_of(row, offset), part, column);
            }
        }
        for (; IS_LINE && unsure != 0u; unsure &= unsure - 1u) {
            int down = findLSB(unsure) * ROUND_ROWS;
            ivec4 value = ivec4(staged[result + (lane / WARP_FOURS + down) * RESULT_STRIDE + lane % WARP_FOURS]);
            program_columns(value, y_of(lane_row + r * SIDE + down, offset), part, column);
        }
        subgroup_exchange();
        [[unroll]] for (int i = 0; i + 1 < ROW_FRAGMENTS; ++i) {
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[i][c] = sum[i + 1][c];
        }
    }
}
