// A tile of a second factor in blocks of few bits (blocks.glsl) on its way to shared memory: invocations bring eights along the depth, as codes with their
// scale and offset, and what they are as numbers is computed when they are stored. The kernel has TILE_COLUMNS, TILE_DEPTH, THREADS and `thread`.
#ifndef TENSORVK_MATRIX_BLOCKS_TILE
#define TENSORVK_MATRIX_BLOCKS_TILE

#define BLOCKS_BINDING 1
#define BLOCK_DEPTH K
#define BLOCK_COLUMNS N
#include "matrix/blocks.glsl"

const int RUN = EIGHTS < TILE_DEPTH / 8 ? EIGHTS : TILE_DEPTH / 8; // eights of a unit that belong to one step
const int B_EIGHTS = TILE_COLUMNS * TILE_DEPTH / 8;
const int B_LOADS = (B_EIGHTS + THREADS - 1) / THREADS;

uvec2 next_b[B_LOADS];
float next_scale[B_LOADS]; // 0 where nothing is
int next_zero[B_LOADS];

// An invocation's load i: column and place along the depth, in the tile. Neighbours lie together in memory.
int eight_of(int i) { return thread + i * THREADS; }
ivec2 eight_spot(int i) {
    int e = eight_of(i);
    return ivec2(e / RUN % TILE_COLUMNS, (e / RUN / TILE_COLUMNS * RUN + e % RUN) * 8);
}
bool has_eight(int i) { return B_EIGHTS % THREADS == 0 || eight_of(i) < B_EIGHTS; }

// The step at k0 of the tile whose first column is `first`.
void fetch_b(int first, int left, int k0) {
    [[unroll]] for (int i = 0; i < B_LOADS; ++i) {
        ivec2 s = eight_spot(i);
        bool inside = (N % TILE_COLUMNS == 0 || s.x < left) && (K % TILE_DEPTH == 0 || k0 + s.y < K);
        int column = min(first + s.x, N - 1), k = min(k0 + s.y, (K - 1) / 8 * 8);
        next_b[i] = eight_at(k, column);
        next_scale[i] = inside ? scale_of(k / BLOCK, column) : 0.0;
        next_zero[i] = zero_of(k / BLOCK, column);
    }
}

vec4 four_numbers(int i, uint codes) { return (four_codes(codes) - offset_of(next_zero[i])) * (next_scale[i] * OUT_OF_PLACE); }

#endif
