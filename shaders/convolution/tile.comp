// Convolution as a product in registers alone: no shared memory, no barriers, which is what CPU drivers are fast with.
//
// An invocation computes LANE_ROWS positions times 4 * LANE_VECTORS channels. With LANES_ON_ROWS the lanes of a workgroup take neighbouring
// positions and read the same weights, so that a driver loads those once and broadcasts them: best where there are many positions.
// Otherwise lanes take neighbouring channels and read the same inputs: for products of few rows.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "convolution/product.glsl"

STORAGE(0, readonly, x)
STORAGE(1, readonly, weights)
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
DEFINE_STORE_COLUMNS(y)

// Array sizes; the choice is for the defaults, which must be positive too.
const int LANE_ROWS = G(4) > 0 ? G(4) : 1;
const int LANE_VECTORS = G(5) > 0 ? G(5) : 1;
#define LANES_ON_ROWS (G(6) != 0)

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
    [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v) {
        int c = part_channel(part) + 4 * min(vector0 + v, last_vector);
        vec4 b = vec4(bias[c], bias[c + 1], bias[c + 2], bias[c + 3]);
        [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) sum[r * LANE_VECTORS + v] = b;
    }

    int w = (part * WEIGHT_PART) >> 2;
    int taps = DEPTH / CHANNELS;
    for (int tap = 0; tap < taps; ++tap) {
        ivec3 shift = tap_shift(tap);
        int at[LANE_ROWS];
        bool inside[LANE_ROWS];
        [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
            int position = input_position(origin[r], from[r], shift);
            inside[r] = position >= 0;
            at[r] = max(position, 0);
        }
        if (INPUT_VECTORS) {
            for (int c = 0; c < CHANNELS; c += 4) {
                vec4 a[LANE_ROWS];
                [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
                    a[r] = LOAD4(x, IN_HALF, (at[r] + c) >> 2);
                    a[r] = inside[r] ? a[r] : vec4(0.0);
                }
                [[unroll]] for (int i = 0; i < 4; ++i) {
                    [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v) {
                        vec4 b = LOAD4(weights, FACTOR_HALF, w + min(vector0 + v, last_vector));
                        [[unroll]] for (int r = 0; r < LANE_ROWS; ++r)
                            sum[r * LANE_VECTORS + v] = fma(vec4(a[r][i]), b, sum[r * LANE_VECTORS + v]);
                    }
                    w += weight_row;
                }
            }
        } else {
            for (int c = 0; c < CHANNELS; ++c) {
                float a[LANE_ROWS];
                [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
                    a[r] = LOAD(x, IN_HALF, at[r] + c * X_CHANNEL);
                    a[r] = inside[r] ? a[r] : 0.0;
                }
                [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v) {
                    vec4 b = LOAD4(weights, FACTOR_HALF, w + min(vector0 + v, last_vector));
                    [[unroll]] for (int r = 0; r < LANE_ROWS; ++r)
                        sum[r * LANE_VECTORS + v] = fma(vec4(a[r]), b, sum[r * LANE_VECTORS + v]);
                }
                w += weight_row;
            }
        }
    }

    // Unrolled: a loop that indexes the sums with a variable keeps them all in memory, and CPU drivers compile that for a minute.
    int offset = result_offset(part);
    [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
        int row = row0 + r * row_step;
        if (row >= ROWS) continue;
        int base = row_of(row).y;
        if (CROPPED && base < 0) continue;
        [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v) store_columns(sum[r * LANE_VECTORS + v], base + offset, part, 4 * (vector0 + v));
    }
}
