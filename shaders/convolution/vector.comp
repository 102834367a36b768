// Products of few rows, above all of one: they read each weight once and wait for memory. An invocation adds some lines of the depth for four
// columns and EACH rows, SLICES of them share those columns, and their sums meet in shared memory. One tap, and no padding.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "convolution/product.glsl"

STORAGE(0, readonly, x)
#ifdef HALF
layout(set = 0, binding = 1) readonly buffer Weights { f16vec4 weights[]; };
#else
layout(set = 0, binding = 1) readonly buffer Weights { vec4 weights[]; };
#endif
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
DEFINE_STORE_COLUMNS(y)

// Sizes; the choice is for the defaults, which must be positive too.
const int EACH = G(4) > 0 ? G(4) : 1;    // rows of a workgroup, at most SLICES
const int VECTORS = G(5) > 0 ? G(5) : 8; // fours of columns
const int SLICES = G(6) > 0 ? G(6) : 8;  // of the depth, a power of two
const int INVOCATIONS = VECTORS * SLICES;

shared vec4 sums[EACH * INVOCATIONS];

// Four neighbours along the depth, zeros beyond its end.
vec4 input_at(int at, int k) {
    if (INPUT_VECTORS) return LOAD4(x, IN_HALF, (at + k) >> 2);
    vec4 value = vec4(0.0);
    [[unroll]] for (int i = 0; i < 4; ++i) value[i] = k + i < DEPTH ? LOAD(x, IN_HALF, at + (k + i) * X_CHANNEL) : 0.0;
    return value;
}

void main() {
    int invocation = int(gl_LocalInvocationIndex);
    int slice = invocation / VECTORS;
    int part = grid_slice();
    begin_part(part);
    int row0 = row_group() * EACH;
    int row_vectors = WEIGHT_STRIDE >> 2;
    int vector = column_group() * VECTORS + invocation % VECTORS;
    int w = (part * WEIGHT_PART >> 2) + min(vector, row_vectors - 1);

    int at[EACH];
    vec4 sum[EACH];
    [[unroll]] for (int r = 0; r < EACH; ++r) {
        Row row = row_of(min(row0 + r, ROWS - 1));
        at[r] = row.x + x_offset(row.from) + part_input(part);
        sum[r] = vec4(0.0);
    }
    for (int k = 4 * slice; k < DEPTH; k += 4 * SLICES) {
        vec4 b[4];
        [[unroll]] for (int i = 0; i < 4; ++i) b[i] = vec4(weights[w + min(k + i, DEPTH - 1) * row_vectors]);
        [[unroll]] for (int r = 0; r < EACH; ++r) {
            vec4 a = input_at(at[r], k);
            [[unroll]] for (int i = 0; i < 4; ++i) sum[r] = fma(vec4(a[i]), b[i], sum[r]);
        }
    }

    [[unroll]] for (int r = 0; r < EACH; ++r) sums[r * INVOCATIONS + invocation] = sum[r];
    for (int reach = SLICES / 2; reach > 0; reach /= 2) {
        barrier();
        if (slice < reach) {
            [[unroll]] for (int r = 0; r < EACH; ++r) sums[r * INVOCATIONS + invocation] += sums[r * INVOCATIONS + invocation + reach * VECTORS];
        }
    }
    barrier();
    int row = row0 + slice;
    if (slice >= EACH || row >= ROWS || vector >= row_vectors) return;
    int channel = part_channel(part) + 4 * vector;
    vec4 value = sums[slice * INVOCATIONS + invocation % VECTORS] + vec4(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]);
    store_columns(value, row_of(row).y + result_offset(part), part, 4 * vector);
}
