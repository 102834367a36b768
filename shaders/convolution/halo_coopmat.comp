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

#define TILES_DOWN P(28) // of a picture
#define TILES_ACROSS P(29)
#define OUT_LINES (OUT_PLANE / OUT_WIDTH)

// Sizes; the choice is for the defaults, which must be positive too.
const int LINES = G(4) > 0 ? G(4) : 4; // of positions
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 32;
const int CHUNK = G(6) > 0 ? G(6) : 16;          // channels at a time: 16, 32 or 64
const int WARP_LINES = G(7) > 0 ? G(7) : 1;      // of a subgroup
const int WARP_COLUMNS = G(8) > 0 ? G(8) : 16;
const int THREADS = G(9) > 0 ? G(9) : 128; // 32 * (LINES / WARP_LINES) * (TILE_COLUMNS / WARP_COLUMNS)
const int SPLITS = G(10) > 0 ? G(10) : 1;
const int TAPS_DOWN = G(17) > 0 ? G(17) : 1;
const int TAPS_ACROSS = G(18) > 0 ? G(18) : 1;
const int STRIDE_LINES = G(19) > 0 ? G(19) : 1;
const int STRIDE_PIXELS = G(20) > 0 ? G(20) : 1;
const int APART_LINES = G(21) > 0 ? G(21) : 1; // taps of a window
const int APART_PIXELS = G(22) > 0 ? G(22) : 1;

const int SIDE = 16; // of a fragment, and positions of a line
const int COLUMN_FRAGMENTS = WARP_COLUMNS / SIDE;
const int WARPS_DOWN = LINES / WARP_LINES;
const int CHUNK_SHIFT = CHUNK == 16 ? 4 : CHUNK == 32 ? 5 : 6;
const int CHUNK_EIGHTS = CHUNK / 8; // divides THREADS, as COLUMN_EIGHTS does
const int COLUMN_EIGHTS = TILE_COLUMNS / 8;
const int PART_LINES = (LINES - 1) * STRIDE_LINES + (TAPS_DOWN - 1) * APART_LINES + 1; // of the picture
const int PART_WIDTH = (SIDE - 1) * STRIDE_PIXELS + (TAPS_ACROSS - 1) * APART_PIXELS + 1;
const int PIXELS = PART_LINES * PART_WIDTH;
const int PIXEL = CHUNK_EIGHTS + 1; // in eights
const int LOAD_PIXELS = THREADS / CHUNK_EIGHTS; // that one load of all threads covers
const int INPUT_LOADS = (PIXELS + LOAD_PIXELS - 1) / LOAD_PIXELS;
const int DEPTH_OF_CHUNK = TAPS_DOWN * TAPS_ACROSS * CHUNK;
const int WEIGHT_LINE = COLUMN_EIGHTS + 1;
const int LOAD_WEIGHTS = THREADS / COLUMN_EIGHTS; // rows of them
const int WEIGHT_LOADS = (DEPTH_OF_CHUNK + LOAD_WEIGHTS - 1) / LOAD_WEIGHTS;
const int WINDOW_LINES = (WARP_LINES - 1) * STRIDE_LINES + (TAPS_DOWN - 1) * APART_LINES + 1; // of the picture, of a subgroup
const int WARP_FOURS = WARP_COLUMNS / 4;
const int RESULT_STRIDE = WARP_FOURS + 1; // in fours of floats
const int LANES = 32;
const int ROUND_PIXELS = LANES / WARP_FOURS; // of the epilogue

const int COLUMNS_AT = PIXELS * PIXEL;
const int CHUNK_SIZE = COLUMNS_AT + DEPTH_OF_CHUNK * WEIGHT_LINE;
const int RESULTS_SIZE = THREADS / LANES * SIDE * RESULT_STRIDE;
shared uvec4 staged[CHUNK_SIZE > RESULTS_SIZE ? CHUNK_SIZE : RESULTS_SIZE];
#include "common/matrices.glsl"

#define WHOLE_LINES ((int(IS_CONSTANT(1)) & int(IS_CONSTANT(2)) & int(OUT_LINES % LINES == 0)) != 0)
#define WHOLE_WIDTH ((int(IS_CONSTANT(1)) & int(S1 % SIDE == 0)) != 0)

int thread;
int origin[INPUT_LOADS]; // eight that this thread loads of the first chunk, negative outside of the picture
int weight;              // of this thread's first load, in eights
uvec4 next_inputs[INPUT_LOADS];
uvec4 next_weights[WEIGHT_LOADS];

void place_inputs(int picture, ivec2 from, int part) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int pixel = thread / CHUNK_EIGHTS + i * LOAD_PIXELS;
        int line = small_div(pixel, PART_WIDTH);
        ivec2 at = from + ivec2(line, pixel - line * PART_WIDTH);
        bool inside = pixel < PIXELS && uint(at.x) < uint(IN_HEIGHT) && uint(at.y) < uint(IN_WIDTH);
        int element = picture * X_PICTURE + at.x * X_LINE + at.y * X_PIXEL + part_input(part) + thread % CHUNK_EIGHTS * 8;
        origin[i] = inside ? element >> 3 : -1;
    }
}

void fetch(int chunk) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) next_inputs[i] = origin[i] < 0 ? uvec4(0) : x[origin[i] + chunk * CHUNK_EIGHTS];
    int row_eights = WEIGHT_STRIDE >> 3;
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int row = thread / COLUMN_EIGHTS + i * LOAD_WEIGHTS; // of the chunk's, which are CHUNK of each tap's
        if (DEPTH_OF_CHUNK % LOAD_WEIGHTS != 0) row = min(row, DEPTH_OF_CHUNK - 1);
        next_weights[i] = weights[weight + (row + (row >> CHUNK_SHIFT) * (CHANNELS - CHUNK) + chunk * CHUNK) * row_eights];
    }
}

void publish() {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int pixel = thread / CHUNK_EIGHTS + i * LOAD_PIXELS;
        if (PIXELS % LOAD_PIXELS == 0 || pixel < PIXELS) staged[pixel * PIXEL + thread % CHUNK_EIGHTS] = next_inputs[i];
    }
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int row = thread / COLUMN_EIGHTS + i * LOAD_WEIGHTS;
        if (DEPTH_OF_CHUNK % LOAD_WEIGHTS == 0 || row < DEPTH_OF_CHUNK) staged[COLUMNS_AT + row * WEIGHT_LINE + thread % COLUMN_EIGHTS] = next_weights[i];
    }
}

// The element of a position's first channel in the output. Positions beyond the last read what is there.
int y_of(int picture, int line, int pixel, int offset) {
    int inside_line = WHOLE_LINES ? line : min(line, OUT_LINES - 1);
    int inside_pixel = WHOLE_WIDTH ? pixel : min(pixel, OUT_WIDTH - 1);
    return picture * Y_PICTURE + inside_line * Y_LINE + inside_pixel * Y_PIXEL + offset;
}

// One function, since sums outside of it would not stay in registers.
void main() {
    thread = int(gl_LocalInvocationIndex);
    int part = grid_slice() / SPLITS;
    int split = grid_slice() % SPLITS;
    int parts = grid_slices() / SPLITS;
    ivec2 above = divide(row_group(), TILES_ACROSS);
    ivec2 tile = divide(above.x, TILES_DOWN);
    int picture = tile.x;
    ivec2 first = ivec2(tile.y * LINES, above.y * SIDE); // position
    int first_eight = column_group() * COLUMN_EIGHTS;
    int row_eights = WEIGHT_STRIDE >> 3;
    int row_vectors = WEIGHT_STRIDE >> 2;
    place_inputs(picture, first * ivec2(STRIDE_LINES, STRIDE_PIXELS) - PRE.yz, part);
    int eight = first_eight + thread % COLUMN_EIGHTS;
    weight = ((part * WEIGHT_PART) >> 3) + (WHOLE_COLUMNS ? eight : min(eight, row_eights - 1));

    int chunks = CHANNELS / CHUNK;
    int chunks_of_slice = (chunks + SPLITS - 1) / SPLITS;
    int begin = split * chunks_of_slice;
    int end = min(begin + chunks_of_slice, chunks);
    if (begin < end) fetch(begin);

    int warp_line = SUBGROUP % WARPS_DOWN * WARP_LINES;
    int warp_column = SUBGROUP / WARPS_DOWN * WARP_COLUMNS;
    int lane = LANE;
    int vector = 2 * first_eight + warp_column / 4 + lane % WARP_FOURS;
    int column = 4 * vector;
    int channel = part_channel(part) + 4 * (WHOLE_COLUMNS ? vector : min(vector, row_vectors - 1));
    vec4 lane_bias = SPLITS > 1 ? vec4(0.0) : vec4(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]);
    MATRIX_SUM sum[WARP_LINES][COLUMN_FRAGMENTS];
    [[unroll]] for (int r = 0; r < WARP_LINES; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[r][c] = ZERO_SUM;
    }

    int inputs_at = warp_line * STRIDE_LINES * PART_WIDTH * PIXEL;
    int weights_at = COLUMNS_AT + warp_column / 8;
    [[dont_unroll]] for (int chunk = begin; chunk < end; ++chunk) {
        barrier(); // the chunk before is multiplied
        publish();
        barrier();
        if (chunk + 1 < end) fetch(chunk + 1);
        [[unroll]] for (int k = 0; k < CHUNK; k += SIDE) {
            [[unroll]] for (int across = 0; across < TAPS_ACROSS; ++across) {
                MATRIX_B b[TAPS_DOWN][COLUMN_FRAGMENTS];
                [[unroll]] for (int down = 0; down < TAPS_DOWN; ++down) {
                    [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
                        coopMatLoad(b[down][c], staged, weights_at + ((down * TAPS_ACROSS + across) * CHUNK + k) * WEIGHT_LINE + c * SIDE / 8, WEIGHT_LINE, gl_CooperativeMatrixLayoutRowMajor);
                }
                [[unroll]] for (int line = 0; line < WINDOW_LINES; ++line) {
                    MATRIX_A a;
                    coopMatLoad(a, staged, inputs_at + (line * PART_WIDTH + across * APART_PIXELS) * PIXEL + k / 8, STRIDE_PIXELS * PIXEL, gl_CooperativeMatrixLayoutRowMajor);
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
    int offset = result_offset(part);
    ivec2 lane_at = first + ivec2(warp_line, lane / WARP_FOURS); // of this lane's first round of the epilogue
    int inside_column = WHOLE_COLUMNS ? column : min(column, COLUMNS - 4);
    // What the program reads is asked for a round before it is needed.
    bool ahead = SPLITS == 1 && OUTPUT_VECTORS && !POINTWISE_EMPTY;
    Operands next;
    if (ahead) next = load_operands(y_of(picture, lane_at.x, lane_at.y, offset) + inside_column * Y_CHANNEL, part_channel(part) + inside_column);
    // The loops stay loops, and fragments move up to where the next round stores them, as in convolution/coopmat.
    [[dont_unroll]] for (int r = 0; r < WARP_LINES; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
            coopMatStore(sum[0][c], staged, result + c * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        subgroup_exchange();
        [[dont_unroll]] for (int right = 0; right < SIDE; right += ROUND_PIXELS) {
            ivec2 at = lane_at + ivec2(r, right);
            Operands now = next;
            if (ahead) {
                ivec2 next_at = right + ROUND_PIXELS < SIDE ? at + ivec2(0, ROUND_PIXELS) : ivec2(at.x + 1, lane_at.y);
                next = load_operands(y_of(picture, min(next_at.x, OUT_LINES - 1), next_at.y, offset) + inside_column * Y_CHANNEL, part_channel(part) + inside_column);
            }
            vec4 value = uintBitsToFloat(staged[result + (lane / WARP_FOURS + right) * RESULT_STRIDE + lane % WARP_FOURS]) + lane_bias;
            if ((!WHOLE_LINES && at.x >= OUT_LINES) || (!WHOLE_WIDTH && at.y >= OUT_WIDTH) || (!WHOLE_COLUMNS && vector >= row_vectors)) continue;
            if (SPLITS > 1) {
                int row = picture * OUT_PLANE + at.x * OUT_WIDTH + at.y;
                slices[((split * ROWS + row) * parts + part) * row_vectors + vector] = value;
                continue;
            }
            int y_position = y_of(picture, at.x, at.y, offset);
            if (!ahead) {
                store_columns(value, y_position, part, column);
            } else if (WHOLE_COLUMNS || column < COLUMNS) {
                STORE4(y, OUT_HALF, (y_position + column * Y_CHANNEL) >> 2, finish4(value, now))
            }
        }
        subgroup_exchange();
        [[unroll]] for (int i = 0; i + 1 < WARP_LINES; ++i) {
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[i][c] = sum[i + 1][c];
        }
    }
}
