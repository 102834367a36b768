// Convolution of pictures with few channels, to halves, on cooperative matrix units (16 x 16 x 16, sums in float): the part of the picture that a tile's
// windows cover lies in shared memory as units of eight halves, those of one pixel and zeros, or four each of two pixels. Neighbouring positions read
// neighbouring units, so a fragment of the first factor is 16 overlapping rows of them: nothing is gathered. A subgroup holds the weights of its columns, all
// of the depth, in registers, and goes from tile to tile with them, while the next tile's part of the picture is on its way. Subgroups have 32 lanes.
//
// BYTES: of pictures and weights of 8 bits, less their zero points. Halves hold these numbers, and sums of floats their products, exactly (up to 2^24).
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifndef BYTES
#extension GL_EXT_shader_16bit_storage : require
#endif
#ifndef PLAYED_MATRICES
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_cooperative_matrix : require
#pragma use_vulkan_memory_model
#endif
#include "common/interface.glsl"
#include "common/divide.glsl"

layout(set = 0, binding = 1) readonly buffer Weights { uvec4 weights[]; }; // eight halves of a row: [line of the window][unit][half][columns]

#define TILES P(0)      // of all pictures
#define TILES_DOWN P(1) // of a picture
#define TILES_ACROSS P(2)
#define OUT ivec2(P(3), P(4)) // height, width
#define IN ivec2(P(5), P(6))
#define X_PICTURE P(7) // element strides
#define X_LINE P(8)
#define X_PIXEL P(9)
#define X_CHANNEL P(10)
#define CHANNELS P(11)
#define COLUMNS P(12) // output channels, a multiple of 4
#define BEFORE ivec2(P(13), P(14)) // lines and units of padding
#define WORKGROUPS P(15)

#ifdef BYTES
#include "quantized/epilogue.glsl"
layout(set = 0, binding = 0) readonly buffer Inputs { uint x[]; };
#define X_ZERO G(3)
#define LOAD_X(i) float(LOAD_BYTE(x, TYPE_X, i) - X_ZERO)
#define Y_CHANNEL 1
#define OUTPUT_VECTORS true
#define part_channel(part) 0
#include "quantized/columns.glsl"
#else
#include "common/epilogue.glsl"
STORAGE(0, readonly, x)
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
#define LOAD_X(i) LOAD(x, IN_HALF, i)
#endif

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_LINES = G(4) > 0 ? G(4) : 4; // of positions
const int TILE_WIDTH = G(5) > 0 ? G(5) : 16;
const int WINDOW_LINES = G(6) > 0 ? G(6) : 2;
const int WINDOW_UNITS = G(7) > 0 ? G(7) : 2; // even
const int STRIDE_LINES = G(8) > 0 ? G(8) : 1;
const int STRIDE_UNITS = G(9) > 0 ? G(9) : 1;
const int PIXELS = G(10) > 0 ? G(10) : 1; // of a unit
const int STRIP = G(11) > 0 ? G(11) : 1;  // column fragments of a subgroup
const int STRIPS = G(12) > 0 ? G(12) : 1; // side by side: all columns
const int THREADS = G(13) > 0 ? G(13) : 64;
const int TOGETHER = G(14) > 0 ? G(14) : 1; // row fragments that a subgroup multiplies side by side: a sum waits for the one before

const int SIDE = 16; // of a fragment
const int LANES = 32;
const int EACH = 8 / PIXELS; // channels of a pixel of a unit
const int PART_LINES = (TILE_LINES - 1) * STRIDE_LINES + WINDOW_LINES; // of the picture
const int PART_WIDTH = (TILE_WIDTH - 1) * STRIDE_UNITS + WINDOW_UNITS;
const int PART = PART_LINES * PART_WIDTH;
const int LOADS = (PART + THREADS - 1) / THREADS;
const int STEPS = WINDOW_LINES * WINDOW_UNITS / 2; // of two units
const int WIDE = TILE_WIDTH / SIDE; // fragments
const int FRAGMENTS = TILE_LINES * WIDE;
const int DOWN = THREADS / LANES / STRIPS; // subgroups of a strip
const bool WHOLE = FRAGMENTS % (DOWN * TOGETHER) == 0; // no subgroup has fewer than others
const int ROW_EIGHTS = STRIPS * STRIP * 2; // of the weights
const int STRIP_FOURS = STRIP * 4;
const int RESULT_STRIDE = STRIP_FOURS + 1;
const int ROUND_ROWS = LANES / STRIP_FOURS; // of the epilogue

// The part of the picture, and results.
const int RESULTS_AT = PART;
const int STAGED = RESULTS_AT + THREADS / LANES * SIDE * RESULT_STRIDE;
#ifdef PLAYED_MATRICES
const int WEIGHTS = STEPS * SIDE * ROW_EIGHTS;
#define AT_staged 0
#define AT_weights STAGED
#define PLAYED_AT(array, at) AT_##array + (at)
#define PLAYED_STRIDE(array, stride) stride
#else
const int WEIGHTS = 0;
#endif
shared uvec4 staged[STAGED + WEIGHTS];
#include "common/matrices.glsl"

int thread;
float next_part[LOADS * 8];

struct Place {
    int picture;
    ivec2 origin; // first position
};
Place place_of(int tile) {
    ivec2 above = divide(tile, TILES_ACROSS);
    ivec2 picture = divide(above.x, TILES_DOWN);
    return Place(picture.x, ivec2(picture.y * TILE_LINES, above.y * TILE_WIDTH));
}

// Numbers as they are: what is done with them waits for them.
void fetch(Place place) {
    [[unroll]] for (int i = 0; i < LOADS; ++i) {
        int at = min(thread + i * THREADS, PART - 1);
        int line = place.origin.x * STRIDE_LINES - BEFORE.x + at / PART_WIDTH;
        int pixel = (place.origin.y * STRIDE_UNITS - BEFORE.y + at % PART_WIDTH) * PIXELS;
        int first = place.picture * X_PICTURE + line * X_LINE + pixel * X_PIXEL;
        [[unroll]] for (int k = 0; k < 8; ++k) {
            int channel = k % EACH;
            bool inside = channel < CHANNELS && uint(line) < uint(IN.x) && uint(pixel + k / EACH) < uint(IN.y);
            next_part[i * 8 + k] = inside ? LOAD_X(first + k / EACH * X_PIXEL + channel * X_CHANNEL) : 0.0;
        }
    }
}

uint halves(int i) { return packHalf2x16(vec2(next_part[i], next_part[i + 1])); }

void publish() {
    [[unroll]] for (int i = 0; i < LOADS; ++i) staged[min(thread + i * THREADS, PART - 1)] = uvec4(halves(8 * i), halves(8 * i + 2), halves(8 * i + 4), halves(8 * i + 6));
}

void main() {
    thread = int(gl_LocalInvocationIndex);
    int tile = int(flat_group());
    if (tile >= WORKGROUPS) return;
    Place place = place_of(tile);
    fetch(place);
#ifdef PLAYED_MATRICES
    for (int i = thread; i < WEIGHTS; i += THREADS) staged[AT_weights + i] = weights[i];
#endif

    int strip = SUBGROUP % STRIPS;
    int lane = LANE;
    int result = RESULTS_AT + SUBGROUP * SIDE * RESULT_STRIDE;
    int column = (strip * STRIP_FOURS + lane % STRIP_FOURS) * 4;
    MATRIX_B columns[STEPS][STRIP];
    [[unroll]] for (int s = 0; s < STEPS; ++s) {
        [[unroll]] for (int c = 0; c < STRIP; ++c)
            coopMatLoad(columns[s][c], weights, s * SIDE * ROW_EIGHTS + (strip * STRIP + c) * 2, ROW_EIGHTS, gl_CooperativeMatrixLayoutRowMajor);
    }
    int channel = min(column, COLUMNS - 4);
#ifdef BYTES
    ivec4 lane_bias = with_bias(ivec4(0), channel);
    Operands of_columns = column_operands(channel);
    Line line = line_of(lane_bias, of_columns);
#else
    vec4 lane_bias = vec4(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]);
#endif

    [[dont_unroll]] for (; tile < TILES; tile += WORKGROUPS) {
        barrier(); // the tile before is read
        publish();
        barrier();
        Place now = place;
        place = place_of(min(tile + WORKGROUPS, TILES - 1));
        fetch(place);
        [[dont_unroll]] for (int first = 0; first < FRAGMENTS; first += DOWN * TOGETHER) {
            int f = first + SUBGROUP / STRIPS;
            bool busy = WHOLE || f < FRAGMENTS; // this subgroup
            MATRIX_SUM sum[TOGETHER][STRIP];
            int from[TOGETHER];
            [[unroll]] for (int t = 0; t < TOGETHER; ++t) {
                int fragment = WHOLE ? f + t * DOWN : min(f + t * DOWN, FRAGMENTS - 1);
                from[t] = fragment / WIDE * STRIDE_LINES * PART_WIDTH + fragment % WIDE * SIDE * STRIDE_UNITS;
                [[unroll]] for (int c = 0; c < STRIP; ++c) sum[t][c] = ZERO_SUM;
            }
            if (busy) {
                [[unroll]] for (int s = 0; s < STEPS; ++s) {
                    [[unroll]] for (int t = 0; t < TOGETHER; ++t) {
                        MATRIX_A rows;
                        coopMatLoad(rows, staged, from[t] + 2 * s / WINDOW_UNITS * PART_WIDTH + 2 * s % WINDOW_UNITS, STRIDE_UNITS, gl_CooperativeMatrixLayoutRowMajor);
                        [[unroll]] for (int c = 0; c < STRIP; ++c) sum[t][c] = coopMatMulAdd(rows, columns[s][c], sum[t][c]);
                    }
                }
            }
            [[unroll]] for (int t = 0; t < TOGETHER; ++t) {
                int fragment = f + t * DOWN;
                subgroup_exchange(); // what was stored before is read
                [[unroll]] for (int c = 0; c < STRIP; ++c) coopMatStore(sum[t][c], staged, result + c * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                subgroup_exchange();
                ivec2 at = now.origin + ivec2(fragment / WIDE, fragment % WIDE * SIDE + lane / STRIP_FOURS);
                int first_result = ((now.picture * OUT.x + at.x) * OUT.y + at.y) * COLUMNS + column;
                uint unsure = 0u; // rounds of bytes
                [[unroll]] for (int row = 0; row < SIDE; row += ROUND_ROWS) {
                    if ((!WHOLE && fragment >= FRAGMENTS) || at.x >= OUT.x || at.y + row >= OUT.y || column >= COLUMNS) continue;
                    vec4 value = uintBitsToFloat(staged[result + (row + lane / STRIP_FOURS) * RESULT_STRIDE + lane % STRIP_FOURS]);
                    int same = first_result + row * COLUMNS;
#ifdef BYTES
                    if (IS_LINE) unsure |= uint(!line_columns(value, line, same, row_operands(same))) << (row / ROUND_ROWS);
                    else finish_columns(ivec4(value) + lane_bias, same, of_columns, row_operands(same));
#else
                    STORE4(y, OUT_HALF, same >> 2, finish4(value + lane_bias, same, column))
#endif
                }
#ifdef BYTES
                for (; IS_LINE && unsure != 0u; unsure &= unsure - 1u) {
                    int row = findLSB(unsure) * ROUND_ROWS;
                    vec4 value = uintBitsToFloat(staged[result + (row + lane / STRIP_FOURS) * RESULT_STRIDE + lane % STRIP_FOURS]);
                    program_columns(ivec4(value), first_result - column + row * COLUMNS, 0, column);
                }
#endif
            }
        }
    }
}
