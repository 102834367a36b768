// Matrix products of halves that are read where they lie, on cooperative matrix units (16 x 16 x 16, sums in float), staged through shared memory.
//
// A workgroup computes TILE_ROWS x TILE_COLUMNS of one of the result's matrices, a subgroup WARP_ROWS x WARP_COLUMNS of them as fragments. A factor's tile
// lies in shared memory as the factor does in memory, eights along the depth or along the lines, and fragments are loaded by rows or by columns.
// With BLOCKS the second one lies in blocks of few bits (blocks.glsl), and becomes halves on its way to shared memory.
// What convolution/coopmat measured holds here: one buffer and an unconditional fetch of the next step, [[unroll]] on loops that index fragments,
// rows padded by 16 bytes, and results that pass through the same shared memory a row of fragments at a time. Subgroups have 32 lanes.
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
#include "matrix/finish.glsl"
#include "matrix/tiles.glsl"

layout(set = 0, binding = 0) readonly buffer A { uvec4 a[]; }; // eight halves
layout(set = 0, binding = 0) readonly buffer AOnes { float16_t a_ones[]; };
#ifndef BLOCKS
layout(set = 0, binding = 1) readonly buffer B { uvec4 b[]; };
layout(set = 0, binding = 1) readonly buffer BOnes { float16_t b_ones[]; };
#endif

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_ROWS = G(4) > 0 ? G(4) : 32; // times TILE_DEPTH a multiple of 8 * THREADS, as are the columns
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 32;
const int TILE_DEPTH = G(6) > 0 ? G(6) : 32;
const int WARP_ROWS = G(7) > 0 ? G(7) : 16;
const int WARP_COLUMNS = G(8) > 0 ? G(8) : 16;
const int THREADS = G(9) > 0 ? G(9) : 128; // 32 * (TILE_ROWS / WARP_ROWS) * (TILE_COLUMNS / WARP_COLUMNS)

const int SIDE = 16; // of a fragment
const int LANES = 32;
const int ROW_FRAGMENTS = WARP_ROWS / SIDE;
const int COLUMN_FRAGMENTS = WARP_COLUMNS / SIDE;
const int WARPS_DOWN = TILE_ROWS / WARP_ROWS;
const bool A_BY_DEPTH = BY_DEPTH(A_LIES);
const bool B_BY_DEPTH = BY_DEPTH(B_LIES);
const int A_STRIDE = (A_BY_DEPTH ? TILE_DEPTH : TILE_ROWS) / 8 + 1; // in eights
const int B_STRIDE = (B_BY_DEPTH ? TILE_DEPTH : TILE_COLUMNS) / 8 + 1;
const int A_LOADS = TILE_ROWS * TILE_DEPTH / 8 / THREADS;
const int WARP_FOURS = WARP_COLUMNS / 4;
const int RESULT_STRIDE = WARP_FOURS + 1;  // in fours of floats
const int ROUND_ROWS = LANES / WARP_FOURS; // of the epilogue

const int A_TILE = 0; // where it begins
const int B_TILE = (A_BY_DEPTH ? TILE_ROWS : TILE_DEPTH) * A_STRIDE;
const int STEP_SIZE = B_TILE + (B_BY_DEPTH ? TILE_COLUMNS : TILE_DEPTH) * B_STRIDE;
const int RESULTS_SIZE = THREADS / LANES * SIDE * RESULT_STRIDE;
shared uvec4 staged[STEP_SIZE > RESULTS_SIZE ? STEP_SIZE : RESULTS_SIZE];
#include "common/matrices.glsl"

int thread;
uvec4 next_a[A_LOADS];

// fetch_f(base, left, k0): the step at k0 of the tile whose first line's first element is `base`; `left` lines are there. What lies outside is zero in both
// factors. publish_f(): to shared memory.
#define DEFINE_FACTOR(f, LIES, EXTENT, LINES, LOADS, LINE, DEPTH, TILE, STRIDE)                                               \
    void fetch_##f(int base, int left, int k0) {                                                                              \
        [[unroll]] for (int i = 0; i < LOADS; ++i) {                                                                          \
            ivec2 s = spot(8 * (thread + i * THREADS), LIES, LINES, TILE_DEPTH);                                              \
            int at = base + s.x * LINE + (k0 + s.y) * DEPTH;                                                                  \
            bool inside = (EXTENT % LINES == 0 || s.x < left) && (K % TILE_DEPTH == 0 || k0 + s.y < K);                       \
            if (WIDE(LIES)) {                                                                                                 \
                next_##f[i] = inside ? f[at >> 3] : uvec4(0);                                                                 \
            } else {                                                                                                          \
                int there = !inside ? 0 : BY_DEPTH(LIES) ? K - k0 - s.y : left - s.x;                                         \
                int step = BY_DEPTH(LIES) ? DEPTH : LINE;                                                                     \
                [[unroll]] for (int j = 0; j < 4; ++j) {                                                                      \
                    float low = 2 * j < there ? float(f##_ones[at + 2 * j * step]) : 0.0;                                     \
                    float high = 2 * j + 1 < there ? float(f##_ones[at + (2 * j + 1) * step]) : 0.0;                          \
                    next_##f[i][j] = packHalf2x16(vec2(low, high));                                                           \
                }                                                                                                             \
            }                                                                                                                 \
        }                                                                                                                     \
    }                                                                                                                         \
    void publish_##f() {                                                                                                      \
        [[unroll]] for (int i = 0; i < LOADS; ++i) {                                                                          \
            ivec2 s = spot(8 * (thread + i * THREADS), LIES, LINES, TILE_DEPTH);                                              \
            staged[TILE + (BY_DEPTH(LIES) ? s.x * STRIDE + s.y / 8 : s.y * STRIDE + s.x / 8)] = next_##f[i];                  \
        }                                                                                                                     \
    }
DEFINE_FACTOR(a, A_LIES, M, TILE_ROWS, A_LOADS, A_ROW, A_COLUMN, A_TILE, A_STRIDE)
#ifdef BLOCKS
#include "matrix/blocks_tile.glsl"
#define B_BASE (tile.column)
void publish_b() {
    [[unroll]] for (int i = 0; i < B_LOADS; ++i) {
        ivec2 s = eight_spot(i);
        vec4 low = four_numbers(i, next_b[i].x), high = four_numbers(i, next_b[i].y);
        if (has_eight(i)) staged[B_TILE + s.x * B_STRIDE + s.y / 8] = uvec4(packHalf2x16(low.xy), packHalf2x16(low.zw), packHalf2x16(high.xy), packHalf2x16(high.zw));
    }
}
#else
#define B_BASE (p.b + tile.column * B_COLUMN)
const int B_LOADS = TILE_COLUMNS * TILE_DEPTH / 8 / THREADS;
uvec4 next_b[B_LOADS];
DEFINE_FACTOR(b, B_LIES, N, TILE_COLUMNS, B_LOADS, B_COLUMN, B_ROW, B_TILE, B_STRIDE)
#endif

// One function, since sums outside of it would not stay in registers.
void main() {
    thread = int(gl_LocalInvocationIndex);
    int group = int(flat_group());
    if (group >= COUNT) return;
    Tile tile = tile_of(group, TILE_ROWS, TILE_COLUMNS);
    Place p = place_of_matrix(tile.matrix);
    int a_base = p.a + tile.row * A_ROW, b_base = B_BASE;
    int rows = M - tile.row, columns = N - tile.column;
    int warp_row = SUBGROUP % WARPS_DOWN * WARP_ROWS; // in the tile
    int warp_column = SUBGROUP / WARPS_DOWN * WARP_COLUMNS;

    MATRIX_SUM sum[ROW_FRAGMENTS][COLUMN_FRAGMENTS];
    [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[r][c] = ZERO_SUM;
    }
    int last = (K - 1) / TILE_DEPTH * TILE_DEPTH;
    if (K > 0) {
        fetch_a(a_base, rows, 0);
        fetch_b(b_base, columns, 0);
    }
    for (int k0 = 0; k0 < K; k0 += TILE_DEPTH) {
        barrier();
        publish_a();
        publish_b();
        barrier();
        // The last step comes twice: a branch around it costs more than the load.
        fetch_a(a_base, rows, min(k0 + TILE_DEPTH, last));
        fetch_b(b_base, columns, min(k0 + TILE_DEPTH, last));
        [[unroll]] for (int k = 0; k < TILE_DEPTH; k += SIDE) {
            MATRIX_A left[ROW_FRAGMENTS];
            [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) {
                int line = warp_row + r * SIDE;
                if (A_BY_DEPTH) {
                    coopMatLoad(left[r], staged, A_TILE + line * A_STRIDE + k / 8, A_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                } else {
                    coopMatLoad(left[r], staged, A_TILE + k * A_STRIDE + line / 8, A_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
                }
            }
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) {
                int line = warp_column + c * SIDE;
                MATRIX_B right;
                if (B_BY_DEPTH) {
                    coopMatLoad(right, staged, B_TILE + line * B_STRIDE + k / 8, B_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
                } else {
                    coopMatLoad(right, staged, B_TILE + k * B_STRIDE + line / 8, B_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                }
                [[unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) sum[r][c] = coopMatMulAdd(left[r], right, sum[r][c]);
            }
        }
    }

    barrier(); // before results take the place of what others may still multiply
    int lane = LANE;
    int result = SUBGROUP * SIDE * RESULT_STRIDE; // this subgroup's place among them
    int lane_row = lane / WARP_FOURS, lane_four = lane % WARP_FOURS;
    p.at[4] = tile.column + warp_column + 4 * lane_four;
    // The loop stays a loop, and fragments move up to where the next round stores them: the program is there once, not once a fragment.
    [[dont_unroll]] for (int r = 0; r < ROW_FRAGMENTS; ++r) {
        [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c)
            coopMatStore(sum[0][c], staged, result + c * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        subgroup_exchange();
        [[dont_unroll]] for (int down = lane_row; down < SIDE; down += ROUND_ROWS) {
            p.at[3] = tile.row + warp_row + r * SIDE + down;
            if (p.at[3] < M && p.at[4] < N) store_four(uintBitsToFloat(staged[result + down * RESULT_STRIDE + lane_four]), (tile.matrix * M + p.at[3]) * N + p.at[4], p);
        }
        subgroup_exchange();
        [[unroll]] for (int i = 0; i + 1 < ROW_FRAGMENTS; ++i) {
            [[unroll]] for (int c = 0; c < COLUMN_FRAGMENTS; ++c) sum[i][c] = sum[i + 1][c];
        }
    }
}
