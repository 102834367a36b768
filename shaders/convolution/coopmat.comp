// Convolution as a product of half matrices on cooperative matrix units (16 x 16 x 16, sums in float), staged through shared memory.
//
// A workgroup computes TILE_ROWS positions times TILE_COLUMNS channels, a subgroup WARP_ROWS times WARP_COLUMNS of them as fragments. One
// shared buffer and an unconditional prefetch of the next step into registers: measured best, as are [[unroll]] on every loop that
// indexes fragments (else they spill) and rows padded by 16 bytes. Results pass through shared memory as floats, a fragment of each
// subgroup at a time (little memory, so that many workgroups fit), and lanes pick fours of channels out of it. With SPLITS > 1 each
// workgroup sums one slice of K, and convolution/sum adds the slices. Subgroups have 32 lanes.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_cooperative_matrix : require
#pragma use_vulkan_memory_model
#include "common/interface.glsl"
#include "convolution/product.glsl"

layout(set = 0, binding = 0) readonly buffer Inputs { uvec4 x[]; };        // eight halves, channels together
layout(set = 0, binding = 1) readonly buffer Weights { uvec4 weights[]; }; // eight halves of a row
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
layout(set = 0, binding = 3) writeonly buffer Slices { vec4 slices[]; }; // as in convolution/shared
DEFINE_STORE_COLUMNS(y)

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_ROWS = G(4) > 0 ? G(4) : 32;
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 32;
const int TILE_DEPTH = G(6) > 0 ? G(6) : 32;
const int WARP_ROWS = G(7) > 0 ? G(7) : 16;
const int WARP_COLUMNS = G(8) > 0 ? G(8) : 16;
const int THREADS = G(9) > 0 ? G(9) : 128; // 32 * (TILE_ROWS / WARP_ROWS) * (TILE_COLUMNS / WARP_COLUMNS)
const int SPLITS = G(10) > 0 ? G(10) : 1;

const int SIDE = 16; // of a fragment
const int ROW_FRAGMENTS = WARP_ROWS / SIDE;
const int COLUMN_FRAGMENTS = WARP_COLUMNS / SIDE;
const int WARPS_DOWN = TILE_ROWS / WARP_ROWS;
const int DEPTH_EIGHTS = TILE_DEPTH / 8;
const int COLUMN_EIGHTS = TILE_COLUMNS / 8;
const int INPUT_STRIDE = DEPTH_EIGHTS + 1; // in eights
const int WEIGHT_LINE = COLUMN_EIGHTS + 1;
const int INPUT_LOADS = (TILE_ROWS * DEPTH_EIGHTS + THREADS - 1) / THREADS;
const int WEIGHT_LOADS = (TILE_DEPTH * COLUMN_EIGHTS + THREADS - 1) / THREADS;
const int RESULT_STRIDE = SIDE / 4 + 1; // in fours of floats
const int LANES = 32;

shared uvec4 inputs[TILE_ROWS * INPUT_STRIDE];
shared uvec4 columns[TILE_DEPTH * WEIGHT_LINE];
shared vec4 results[THREADS / LANES * SIDE * RESULT_STRIDE];

int thread;
int origin[INPUT_LOADS];
ivec2 from[INPUT_LOADS];
uvec4 next_inputs[INPUT_LOADS];
uvec4 next_weights[WEIGHT_LOADS];

void fetch(int k0, int first_eight, int weight_part) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int k = k0 + (thread + i * THREADS) % DEPTH_EIGHTS * 8;
        int tap = k / CHANNELS; // channels come in eights: one load never spans two taps
        int position = input_position(origin[i], from[i], ivec2(tap / KERNEL_WIDTH, tap % KERNEL_WIDTH));
        bool inside = position >= 0 && k < DEPTH;
        uvec4 value = x[inside ? (position + k - tap * CHANNELS) >> 3 : 0];
        next_inputs[i] = inside ? value : uvec4(0);
    }
    int row_eights = WEIGHT_STRIDE >> 3;
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int at = thread + i * THREADS;
        int k = min(k0 + at / COLUMN_EIGHTS, PADDED_DEPTH - 1);
        next_weights[i] = weights[weight_part + k * row_eights + min(first_eight + at % COLUMN_EIGHTS, row_eights - 1)];
    }
}

void publish() {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int at = thread + i * THREADS;
        if (TILE_ROWS * DEPTH_EIGHTS % THREADS == 0 || at < TILE_ROWS * DEPTH_EIGHTS)
            inputs[at / DEPTH_EIGHTS * INPUT_STRIDE + at % DEPTH_EIGHTS] = next_inputs[i];
    }
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int at = thread + i * THREADS;
        if (TILE_DEPTH * COLUMN_EIGHTS % THREADS == 0 || at < TILE_DEPTH * COLUMN_EIGHTS)
            columns[at / COLUMN_EIGHTS * WEIGHT_LINE + at % COLUMN_EIGHTS] = next_weights[i];
    }
}

// Lanes of a subgroup see what each other wrote to shared memory.
void subgroup_exchange() {
    controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
}

void main() {
    thread = int(gl_LocalInvocationIndex);
    int part = grid_slice() / SPLITS;
    int split = grid_slice() % SPLITS;
    int parts = grid_slices() / SPLITS;
    int row0 = row_group() * TILE_ROWS;
    int first_eight = column_group() * COLUMN_EIGHTS;
    int weight_part = (part * WEIGHT_PART) >> 3;

    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        Row row = row_of(min(row0 + (thread + i * THREADS) / DEPTH_EIGHTS, ROWS - 1));
        origin[i] = row.x + part * X_PART;
        from[i] = row.from;
    }

    int warp_row = int(gl_SubgroupID) % WARPS_DOWN;
    int warp_column = int(gl_SubgroupID) / WARPS_DOWN;
    coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator> sum[ROW_FRAGMENTS][COLUMN_FRAGMENTS];
    [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
            sum[r][c] = coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator>(0.0);
    }

    int steps = (PADDED_DEPTH / TILE_DEPTH + SPLITS - 1) / SPLITS;
    int first = split * steps;
    int last = min(first + steps, PADDED_DEPTH / TILE_DEPTH);
    fetch(first * TILE_DEPTH, first_eight, weight_part);
    for (int s = first; s < last; ++s) {
        barrier();
        publish();
        barrier();
        // One step too many at the end: a branch around it costs more than the load.
        fetch((s + 1) * TILE_DEPTH, first_eight, weight_part);
        [[unroll]] for (int k = 0; k < TILE_DEPTH; k += SIDE) {
            coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseA> a[ROW_FRAGMENTS];
            [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r)
                coopMatLoad(a[r], inputs, (warp_row * WARP_ROWS + r * SIDE) * INPUT_STRIDE + k / 8, INPUT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
                coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseB> b;
                coopMatLoad(b, columns, k * WEIGHT_LINE + (warp_column * WARP_COLUMNS + c * SIDE) / 8, WEIGHT_LINE, gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) sum[r][c] = coopMatMulAdd(a[r], b, sum[r][c]);
            }
        }
    }

    int offset = part_offset(part);
    int row_vectors = WEIGHT_STRIDE >> 2;
    int result = int(gl_SubgroupID) * SIDE * RESULT_STRIDE;
    int lane = int(gl_SubgroupInvocationID);
    [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
            coopMatStore(sum[r][c], results, result, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
            subgroup_exchange();
            for (int at = lane; at < SIDE * SIDE / 4; at += LANES) {
                int row = row0 + warp_row * WARP_ROWS + r * SIDE + at / 4;
                int vector = 2 * first_eight + (warp_column * WARP_COLUMNS + c * SIDE) / 4 + at % 4;
                if (row >= ROWS || vector >= row_vectors) continue;
                vec4 value = results[result + at / 4 * RESULT_STRIDE + at % 4];
                if (SPLITS > 1) {
                    slices[((split * ROWS + row) * parts + part) * row_vectors + vector] = value;
                } else {
                    int channel = part * CHANNEL_PART + 4 * vector;
                    value += vec4(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]);
                    store_columns(value, row_of(row).y + offset, part, 4 * vector);
                }
            }
            subgroup_exchange();
        }
    }
}
