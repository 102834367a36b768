// Matrix products of factors that are read where they lie, through shared memory. With BLOCKS the second one lies in blocks of few bits (blocks.glsl).
//
// A workgroup computes TILE_ROWS x TILE_COLUMNS of one of the result's matrices, an invocation THREAD_ROWS x THREAD_COLUMNS of them in registers
// (as fours that lie apart, so that neighbours read neighbouring shared memory). Per step of TILE_DEPTH along K all invocations write their parts of
// both factors from registers to shared memory, where the depth is the slow axis however the factor lies, fetch the next step's, and multiply.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "matrix/finish.glsl"
#include "matrix/tiles.glsl"

STORAGE(0, readonly, a)
#ifndef BLOCKS
STORAGE(1, readonly, b)
#endif

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_ROWS = G(4) > 0 ? G(4) : 16; // times TILE_DEPTH a multiple of 4 * THREADS, as are the columns
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 16;
const int TILE_DEPTH = G(6) > 0 ? G(6) : 16;
const int THREAD_ROWS = G(7) > 0 ? G(7) : 4; // multiples of 4
const int THREAD_COLUMNS = G(8) > 0 ? G(8) : 4;
const int THREADS = G(9) > 0 ? G(9) : 16; // (TILE_ROWS / THREAD_ROWS) * (TILE_COLUMNS / THREAD_COLUMNS)

const int ROW_VECTORS = THREAD_ROWS / 4;
const int COLUMN_VECTORS = THREAD_COLUMNS / 4;
const int ROW_LANES = TILE_ROWS / THREAD_ROWS;
const int COLUMN_LANES = TILE_COLUMNS / THREAD_COLUMNS;
const int A_LOADS = TILE_ROWS * TILE_DEPTH / 4 / THREADS;
const int A_STRIDE = TILE_ROWS / 4 + 1; // in fours; the one keeps writers along the depth apart
const int B_STRIDE = TILE_COLUMNS / 4 + 1;
const int SUMS = THREAD_ROWS * COLUMN_VECTORS;

shared vec4 a_tile[TILE_DEPTH * A_STRIDE];
shared vec4 b_tile[TILE_DEPTH * B_STRIDE];

int thread;
vec4 next_a[A_LOADS];

// Element j of an invocation's load i: fours lie together, others are dealt out one by one.
int element_of(int lies, int i, int j) { return WIDE(lies) ? 4 * (thread + i * THREADS) + j : thread + (4 * i + j) * THREADS; }

// fetch_f(base, k0): the step at k0 of the tile whose first line's first element is `base`; `left` lines are there. What lies outside is zero in both factors.
// publish_f(): to shared memory.
#define DEFINE_FACTOR(f, HALF_BITS, LIES, EXTENT, LINES, LOADS, LINE, DEPTH, STRIDE)                                                   \
    void fetch_##f(int base, int left, int k0) {                                                                                       \
        [[unroll]] for (int i = 0; i < LOADS; ++i) {                                                                                   \
            [[unroll]] for (int j = 0; j < (WIDE(LIES) ? 1 : 4); ++j) {                                                                \
                ivec2 s = spot(element_of(LIES, i, j), LIES, LINES, TILE_DEPTH);                                                       \
                bool inside = (EXTENT % LINES == 0 || s.x < left) && (K % TILE_DEPTH == 0 || k0 + s.y < K);                            \
                int at = base + s.x * LINE + (k0 + s.y) * DEPTH;                                                                       \
                if (WIDE(LIES)) {                                                                                                      \
                    next_##f[i] = inside ? LOAD4(f, HALF_BITS, at >> 2) : vec4(0.0);                                                   \
                } else {                                                                                                               \
                    next_##f[i][j] = inside ? LOAD(f, HALF_BITS, at) : 0.0;                                                            \
                }                                                                                                                      \
            }                                                                                                                          \
        }                                                                                                                              \
    }                                                                                                                                  \
    void publish_##f() {                                                                                                               \
        [[unroll]] for (int i = 0; i < LOADS; ++i) {                                                                                   \
            if (WIDE(LIES) && !BY_DEPTH(LIES)) {                                                                                       \
                ivec2 s = spot(element_of(LIES, i, 0), LIES, LINES, TILE_DEPTH);                                                       \
                f##_tile[s.y * STRIDE + s.x / 4] = next_##f[i];                                                                        \
            } else {                                                                                                                   \
                [[unroll]] for (int j = 0; j < 4; ++j) {                                                                               \
                    ivec2 s = spot(element_of(LIES, i, j), LIES, LINES, TILE_DEPTH);                                                   \
                    f##_tile[s.y * STRIDE + s.x / 4][s.x % 4] = next_##f[i][j];                                                        \
                }                                                                                                                      \
            }                                                                                                                          \
        }                                                                                                                              \
    }
DEFINE_FACTOR(a, IN_HALF, A_LIES, M, TILE_ROWS, A_LOADS, A_ROW, A_COLUMN, A_STRIDE)
#ifdef BLOCKS
#include "matrix/blocks_tile.glsl"
#define B_BASE (tile.column)
void publish_b() {
    [[unroll]] for (int i = 0; i < B_LOADS; ++i) {
        ivec2 s = eight_spot(i);
        if (!has_eight(i)) continue;
        vec4 low = four_numbers(i, next_b[i].x), high = four_numbers(i, next_b[i].y);
        [[unroll]] for (int j = 0; j < 8; ++j) b_tile[(s.y + j) * B_STRIDE + s.x / 4][s.x % 4] = j < 4 ? low[j % 4] : high[j % 4];
    }
}
#else
#define B_BASE (p.b + tile.column * B_COLUMN)
const int B_LOADS = TILE_COLUMNS * TILE_DEPTH / 4 / THREADS;
vec4 next_b[B_LOADS];
DEFINE_FACTOR(b, FACTOR_HALF, B_LIES, N, TILE_COLUMNS, B_LOADS, B_COLUMN, B_ROW, B_STRIDE)
#endif

void main() {
    thread = int(gl_LocalInvocationID.x);
    int group = int(flat_group());
    if (group >= COUNT) return;
    Tile tile = tile_of(group, TILE_ROWS, TILE_COLUMNS);
    Place p = place_of_matrix(tile.matrix);
    int a_base = p.a + tile.row * A_ROW, b_base = B_BASE;
    int rows = M - tile.row, columns = N - tile.column;

    int row_lane = thread / COLUMN_LANES;
    int column_lane = thread % COLUMN_LANES;
    vec4 sum[SUMS];
    [[unroll]] for (int i = 0; i < SUMS; ++i) sum[i] = vec4(0.0);

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
        [[unroll]] for (int k = 0; k < TILE_DEPTH; ++k) {
            vec4 right[COLUMN_VECTORS];
            [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) right[c] = b_tile[k * B_STRIDE + c * COLUMN_LANES + column_lane];
            [[unroll]] for (int r = 0; r < ROW_VECTORS; ++r) {
                vec4 left = a_tile[k * A_STRIDE + r * ROW_LANES + row_lane];
                [[unroll]] for (int j = 0; j < 4; ++j) {
                    [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) {
                        int i = (r * 4 + j) * COLUMN_VECTORS + c;
                        sum[i] = fma(vec4(left[j]), right[c], sum[i]);
                    }
                }
            }
        }
    }

    [[unroll]] for (int r = 0; r < THREAD_ROWS; ++r) {
        p.at[3] = tile.row + (r / 4 * ROW_LANES + row_lane) * 4 + r % 4;
        if (p.at[3] >= M) continue;
        [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) {
            p.at[4] = tile.column + (c * COLUMN_LANES + column_lane) * 4;
            if (p.at[4] < N) store_four(sum[r * COLUMN_VECTORS + c], (tile.matrix * M + p.at[3]) * N + p.at[4], p);
        }
    }
}
