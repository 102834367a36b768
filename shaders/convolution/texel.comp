// Convolution as a product for CPU drivers: registers alone as in tile.comp, and both factors read as texels of four floats. Mesa's driver
// compiles a texel fetch to eight 16-byte loads and a transposition, and a read of a storage buffer in a loop to a loop over its lanes: 50
// instructions against 150 for the same numbers. The weights lie in panels as wide as a tile.
//
// An invocation computes LANE_ROWS positions times 4 * LANE_VECTORS channels. With LANES_ON_ROWS the lanes of a workgroup take neighbouring
// positions and all fetch the same weights, otherwise neighbouring fours of channels and the same inputs.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/interface.glsl"
#include "convolution/product.glsl"

layout(set = 0, binding = 0) uniform samplerBuffer x;
layout(set = 0, binding = 1) uniform samplerBuffer weights;
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
DEFINE_STORE_COLUMNS(y)

// Array sizes; the choice is for the defaults, which must be positive too.
const int LANE_ROWS = G(4) > 0 ? G(4) : 1;
const int LANE_VECTORS = G(5) > 0 ? G(5) : 1;
#define LANES_ON_ROWS (G(6) != 0)
#define ALWAYS_INSIDE (G(7) != 0) // no tap of any position lies outside of the picture
const int DEPTH_STEP = G(8) > 0 ? G(8) : 1; // 1 to 4, a divisor of CHANNELS; 4 of an input in vectors

const int ACCUMULATORS = LANE_ROWS * LANE_VECTORS;

// DEPTH_STEP channels of a position from element `at` on.
vec4 input_steps(int at) {
    if (INPUT_VECTORS) return texelFetch(x, at >> 2);
    vec4 a = vec4(0.0);
    [[unroll]] for (int i = 0; i < DEPTH_STEP; ++i) {
        int element = at + i * X_CHANNEL;
        vec4 four = texelFetch(x, element >> 2);
        vec2 two = (element & 2) != 0 ? four.zw : four.xy;
        a[i] = (element & 1) != 0 ? two.y : two.x;
    }
    return a;
}

void main() {
    int lane = int(gl_LocalInvocationID.x);
    int lanes = int(gl_WorkGroupSize.x);
    int part = grid_slice();
    begin_part(part);
    int row0 = LANES_ON_ROWS ? row_group() * lanes * LANE_ROWS + lane : row_group() * LANE_ROWS;
    int row_step = LANES_ON_ROWS ? lanes : 1;
    // Vectors of a lane are neighbours, or one from each of the panel's parts that all lanes read together.
    int panel_vectors = LANES_ON_ROWS ? LANE_VECTORS : LANE_VECTORS * lanes;
    int vector0 = column_group() * panel_vectors + (LANES_ON_ROWS ? 0 : lane);
    int vector_step = LANES_ON_ROWS ? 1 : lanes;

    int origin[LANE_ROWS];
    ivec3 from[LANE_ROWS];
    [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
        Row row = row_of(min(row0 + r * row_step, ROWS - 1));
        origin[r] = row.x + part_input(part);
        from[r] = row.from;
    }
    vec4 sum[ACCUMULATORS];
    [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v) {
        int c = part_channel(part) + min(4 * (vector0 + v * vector_step), COLUMNS - 1);
        vec4 b = vec4(bias[c], bias[c + 1], bias[c + 2], bias[c + 3]);
        [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) sum[r * LANE_VECTORS + v] = b;
    }

    int w = (part * WEIGHT_PART >> 2) + column_group() * panel_vectors * PADDED_DEPTH + (LANES_ON_ROWS ? 0 : lane);
    int taps = DEPTH / CHANNELS;
    for (int tap = 0; tap < taps; ++tap) {
        ivec3 shift = tap_shift(tap);
        int at[LANE_ROWS];
        bool inside[LANE_ROWS];
        [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
            ivec3 p = from[r] + shift;
            inside[r] = ALWAYS_INSIDE || is_inside(p);
            at[r] = inside[r] ? origin[r] + x_offset(p) : 0;
        }
        for (int c = 0; c < CHANNELS; c += DEPTH_STEP) {
            vec4 a[LANE_ROWS];
            [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
                a[r] = input_steps(at[r]);
                at[r] += DEPTH_STEP * X_CHANNEL;
                a[r] = inside[r] ? a[r] : vec4(0.0);
            }
            // All of a sum's steps together: sums are more than there are registers, and so each is loaded and stored once.
            [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v) {
                vec4 b[4];
                [[unroll]] for (int i = 0; i < DEPTH_STEP; ++i) b[i] = texelFetch(weights, w + i * panel_vectors + v * vector_step);
                [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
                    [[unroll]] for (int i = 0; i < DEPTH_STEP; ++i)
                        sum[r * LANE_VECTORS + v] = fma(vec4(a[r][i]), b[i], sum[r * LANE_VECTORS + v]);
                }
            }
            w += DEPTH_STEP * panel_vectors;
        }
    }

    // Unrolled: a loop that indexes the sums with a variable keeps them all in memory, and CPU drivers compile that for a minute.
    int offset = result_offset(part);
    [[unroll]] for (int r = 0; r < LANE_ROWS; ++r) {
        int row = row0 + r * row_step;
        if (row >= ROWS) continue;
        int base = row_of(row).y;
        if (CROPPED && base < 0) continue;
        [[unroll]] for (int v = 0; v < LANE_VECTORS; ++v)
            store_columns(sum[r * LANE_VECTORS + v], base + offset, part, 4 * (vector0 + v * vector_step));
    }
}
