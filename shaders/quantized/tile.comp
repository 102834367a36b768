// A product of 8-bit integers in registers alone, on every device: sums of whole numbers below 2^24 are exact in float32, so the products are
// added as floats, TERMS at a time, and those sums as integers. The tile is that of convolution/tile.comp. Weights come as floats, less their
// zero point.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"
#include "convolution/rows.glsl"
#include "quantized/epilogue.glsl"
#include "quantized/columns.glsl"

layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) readonly buffer Weights { vec4 weights[]; };

const int LANE_ROWS = G(4) > 0 ? G(4) : 1;
const int LANE_VECTORS = G(5) > 0 ? G(5) : 1;
#define LANES_ON_ROWS (G(6) != 0)
#define X_ZERO G(7)
#define CHUNK (G(8) > 0 ? G(8) : 4) // channels between two looks at how full the sums are
#define TERMS G(9)                  // that a sum takes; 0: all of K

const int ACCUMULATORS = LANE_ROWS * LANE_VECTORS;

void main() {
    int lane = int(gl_LocalInvocationID.x);
    int lanes = int(gl_WorkGroupSize.x);
    int part = grid_slice();
    begin_part(part);
    int row0 = LANES_ON_ROWS ? row_group() * lanes * LANE_ROWS + lane : row_group() * LANE_ROWS;
    int row_step = LANES_ON_ROWS ? lanes : 1;
    int vector0 = LANES_ON_ROWS ? column_group() * LANE_VECTORS : (column_group() * lanes + lane) * LANE_VECTORS;
    int weight_row = WEIGHT_STRIDE >> 2;
    int last_vector = weight_row - 1;

    int origin[LANE_ROWS];
    ivec3 from[LANE_ROWS];
    [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
        Row row = row_of(min(row0 + r * row_step, ROWS - 1));
        origin[r] = row.x + part_input(part);
        from[r] = row.from;
    }
    vec4 sum[ACCUMULATORS];
    ivec4 total[ACCUMULATORS];
    [[unroll]] for (int i = 0; i < ACCUMULATORS; ++i) {
        sum[i] = vec4(0.0);
        total[i] = ivec4(0);
    }

    int w = (part * WEIGHT_PART) >> 2;
    int taps = DEPTH / CHANNELS;
    int filled = 0;
    float zero = float(X_ZERO);
    for (int tap = 0; tap < taps; ++tap) {
        ivec3 shift = tap_shift(tap);
        int at[LANE_ROWS];
        bool inside[LANE_ROWS];
        [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
            int position = input_position(origin[r], from[r], shift);
            inside[r] = position >= 0;
            at[r] = max(position, 0);
        }
        for (int c0 = 0; c0 < CHANNELS; c0 += CHUNK) {
            int end = min(c0 + CHUNK, CHANNELS);
            if (TERMS > 0 && filled + CHUNK > TERMS) {
                [[unroll]] for (int i = 0; i < ACCUMULATORS; ++i) {
                    total[i] += ivec4(sum[i]);
                    sum[i] = vec4(0.0);
                }
                filled = 0;
            }
            filled += CHUNK;
            if (INPUT_VECTORS) {
                for (int c = c0; c < end; c += 4) {
                    vec4 a[LANE_ROWS];
                    [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
                        a[r] = vec4(bytes_of(TYPE_X, x[(at[r] + c) >> 2])) - zero;
                        a[r] = inside[r] ? a[r] : vec4(0.0);
                    }
                    [[unroll]] for (int i = 0; i < 4; ++i) {
                        [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v) {
                            vec4 b = weights[w + min(vector0 + v, last_vector)];
                            [[unroll]] for (int r = 0; r < LANE_ROWS; ++r)
                                sum[r * LANE_VECTORS + v] = fma(vec4(a[r][i]), b, sum[r * LANE_VECTORS + v]);
                        }
                        w += weight_row;
                    }
                }
            } else {
                for (int c = c0; c < end; ++c) {
                    float a[LANE_ROWS];
                    [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
                        int i = at[r] + c * X_CHANNEL;
                        a[r] = inside[r] ? float(LOAD_BYTE(x, TYPE_X, i)) - zero : 0.0;
                    }
                    [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v) {
                        vec4 b = weights[w + min(vector0 + v, last_vector)];
                        [[unroll]] for (int r = 0; r < LANE_ROWS; ++r)
                            sum[r * LANE_VECTORS + v] = fma(vec4(a[r]), b, sum[r * LANE_VECTORS + v]);
                    }
                    w += weight_row;
                }
            }
        }
    }

    // The epilogue is in the shader once, in a loop; sums that a variable indexes would lie in memory all the time, so that it gets copies.
    ivec4 finished[ACCUMULATORS];
    [[unroll]] for (int i = 0; i < ACCUMULATORS; ++i) finished[i] = total[i] + ivec4(sum[i]);
    int offset = part_output(part);
    for (int r = 0; r < LANE_ROWS; ++r) {
        int row = row0 + r * row_step;
        if (row >= ROWS) continue;
        int base = row_of(row).y;
        if (CROPPED && base < 0) continue;
        for (int v = 0; v < LANE_VECTORS; ++v) store_columns(finished[r * LANE_VECTORS + v], base + offset, part, 4 * (vector0 + v));
    }
}
