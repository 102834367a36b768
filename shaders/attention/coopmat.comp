// Attention in one dispatch on cooperative matrix units (16 x 16 x 16, halves, sums in float): a workgroup computes some rows of one head. Keys, then
// values, come through one shared tile, the next one on its way while this one is used. Where the scores of all keys fit into shared memory (RESIDENT) they
// are computed once; else once for the rows' largest and sums and once more for the weights, after Milakov and Gimelshein, "Online normalizer
// calculation for softmax", 2018, and without the rescaling of Dao et al., "FlashAttention", 2022. Subgroups have 32 lanes.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#ifndef PLAYED_MATRICES
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_cooperative_matrix : require
#pragma use_vulkan_memory_model
#endif
#include "common/interface.glsl"
#include "attention/problem.glsl"

layout(set = 0, binding = 0) readonly buffer Queries { uvec4 q[]; }; // eight halves
layout(set = 0, binding = 1) readonly buffer Keys { uvec4 k[]; };
layout(set = 0, binding = 2) readonly buffer Values { uvec4 v[]; };
layout(set = 0, binding = 4) writeonly buffer Results { uvec2 y[]; }; // four halves

// Sizes; the choice is for the defaults, which must be positive too.
const int SIDE = 16; // of a fragment
const int THREADS = 128;
const int WARPS = 4;
const int TILE_ROWS = G(5) > 0 ? G(5) : 16; // of q
const int TILE_KEYS = G(6) > 0 ? G(6) : 64;
const int RESIDENT = G(7); // how many keys have their scores in shared memory, a multiple of TILE_KEYS; 0: those of one tile
const int DEPTH_EIGHTS = DEPTH > 0 ? DEPTH / 8 : 2;
const int WIDTH_EIGHTS = WIDTH > 0 ? WIDTH / 8 : 2;

const int KEPT_KEYS = RESIDENT > 0 ? RESIDENT : TILE_KEYS;
const int Q_STRIDE = DEPTH_EIGHTS + 1; // in eights: a row padded by 16 bytes keeps banks apart
const int K_STRIDE = DEPTH_EIGHTS + 1;
const int V_STRIDE = WIDTH_EIGHTS + 1;
const int TILE_STRIDE = K_STRIDE > V_STRIDE ? K_STRIDE : V_STRIDE;
const int SCORE_STRIDE = KEPT_KEYS / 4 + 1;  // in fours of floats
const int WEIGHT_STRIDE = KEPT_KEYS / 4 + 2; // in fours of halves: rows begin at multiples of 16 bytes
const int RESULT_STRIDE = 2 * WIDTH_EIGHTS + 1;
const int SCORES = TILE_ROWS * (SCORE_STRIDE > RESULT_STRIDE ? SCORE_STRIDE : RESULT_STRIDE);
const int ROW_FRAGMENTS = TILE_ROWS / SIDE;
const int KEY_FRAGMENTS = TILE_KEYS / SIDE;
const int WIDTH_FRAGMENTS = (WIDTH_EIGHTS + 1) / 2;
const int SUMS = (ROW_FRAGMENTS * WIDTH_FRAGMENTS + WARPS - 1) / WARPS; // fragments of the result for each subgroup
const int ROW_LANES = THREADS / TILE_ROWS;                              // lanes that share a row of scores
const int K_LOADS = (TILE_KEYS * DEPTH_EIGHTS + THREADS - 1) / THREADS;
const int V_LOADS = (TILE_KEYS * WIDTH_EIGHTS + THREADS - 1) / THREADS;

// Kept: queries, a tile of keys or values, scores (at the end the result), and their weights.
#ifdef PLAYED_MATRICES
const int AT_queries = 0;
const int AT_tile = TILE_ROWS * Q_STRIDE;
const int AT_scores = AT_tile + TILE_KEYS * TILE_STRIDE;
const int AT_weights = AT_scores + SCORES;
shared uvec4 staged[AT_weights + TILE_ROWS * WEIGHT_STRIDE / 2];
shared float neighbours[THREADS];
#define EACH_queries 1
#define EACH_tile 1
#define EACH_scores 1
#define EACH_weights 2 // in sixteen bytes
#define PLAYED_AT(array, at) AT_##array + (at) / EACH_##array
#define PLAYED_STRIDE(array, stride) (stride) / EACH_##array
void keep_query(int at, uvec4 halves) { staged[AT_queries + at] = halves; }
void keep_tile(int at, uvec4 halves) { staged[AT_tile + at] = halves; }
void keep_scores(int at, vec4 four) { staged[AT_scores + at] = floatBitsToUint(four); }
void keep_weights(int at, uvec2 halves) { staged[AT_weights + at / 2][at % 2 * 2] = halves.x, staged[AT_weights + at / 2][at % 2 * 2 + 1] = halves.y; }
vec4 kept_scores(int at) { return uintBitsToFloat(staged[AT_scores + at]); }
float of_neighbour(float value, uint distance) {
    barrier();
    neighbours[gl_LocalInvocationIndex] = value;
    barrier();
    return neighbours[gl_LocalInvocationIndex ^ distance];
}
#else
shared uvec4 queries[TILE_ROWS * Q_STRIDE];
shared uvec4 tile[TILE_KEYS * TILE_STRIDE];
shared vec4 scores[SCORES];
shared uvec2 weights[TILE_ROWS * WEIGHT_STRIDE];
void keep_query(int at, uvec4 halves) { queries[at] = halves; }
void keep_tile(int at, uvec4 halves) { tile[at] = halves; }
void keep_scores(int at, vec4 four) { scores[at] = four; }
void keep_weights(int at, uvec2 halves) { weights[at] = halves; }
vec4 kept_scores(int at) { return scores[at]; }
#define of_neighbour subgroupShuffleXor
#endif
#include "common/matrices.glsl"

int thread, warp;
ivec3 place; // batch, head, first row
uvec4 next[K_LOADS > V_LOADS ? K_LOADS : V_LOADS];

void fetch_keys(int first) {
    int base = K_AT(ivec3(place.xy, 0));
    [[unroll]] for (int i = 0; i < K_LOADS; ++i) {
        int at = thread + i * THREADS;
        int key = first + at / DEPTH_EIGHTS;
        bool inside = key < KEYS && at < TILE_KEYS * DEPTH_EIGHTS;
        next[i] = inside ? k[((base + key * P(7)) >> 3) + at % DEPTH_EIGHTS] : uvec4(0);
    }
}

void fetch_values(int first) {
    int base = V_AT(ivec3(place.xy, 0));
    [[unroll]] for (int i = 0; i < V_LOADS; ++i) {
        int at = thread + i * THREADS;
        int key = first + at / WIDTH_EIGHTS;
        bool inside = key < KEYS && at < TILE_KEYS * WIDTH_EIGHTS;
        next[i] = inside ? v[((base + key * P(10)) >> 3) + at % WIDTH_EIGHTS] : uvec4(0);
    }
}

// Behind everybody's last use of the tile, before everybody's first.
void publish_keys() {
    barrier();
    [[unroll]] for (int i = 0; i < K_LOADS; ++i) {
        int at = thread + i * THREADS;
        if (at < TILE_KEYS * DEPTH_EIGHTS) keep_tile(at / DEPTH_EIGHTS * K_STRIDE + at % DEPTH_EIGHTS, next[i]);
    }
    barrier();
}

void publish_values() {
    barrier();
    [[unroll]] for (int i = 0; i < V_LOADS; ++i) {
        int at = thread + i * THREADS;
        if (at < TILE_KEYS * WIDTH_EIGHTS) keep_tile(at / WIDTH_EIGHTS * V_STRIDE + at % WIDTH_EIGHTS, next[i]);
    }
    barrier();
}

// q k^T of the keys in the tile to the scores from column `column` on.
void multiply_keys(int column) {
    [[unroll]] for (int f = 0; f < ROW_FRAGMENTS * KEY_FRAGMENTS; f += WARPS) {
        int r = (f + warp) / KEY_FRAGMENTS;
        int n = (f + warp) % KEY_FRAGMENTS;
        if (f + warp < ROW_FRAGMENTS * KEY_FRAGMENTS) {
            MATRIX_SUM sum = ZERO_SUM;
            [[unroll]] for (int d = 0; d < DEPTH_EIGHTS; d += 2) {
                MATRIX_A a;
                MATRIX_B b;
                coopMatLoad(a, queries, r * SIDE * Q_STRIDE + d, Q_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                coopMatLoad(b, tile, n * SIDE * K_STRIDE + d, K_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
                sum = coopMatMulAdd(a, b, sum);
            }
            coopMatStore(sum, scores, r * SIDE * SCORE_STRIDE + (column + n * SIDE) / 4, SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        }
    }
}

// Four neighbouring scores of this lane's row, ready for the softmax: `four` counts in what is kept, `first` is the key of its begin.
vec4 scaled(int four, int first) {
    int row = thread / ROW_LANES;
    vec4 s = kept_scores(row * SCORE_STRIDE + four);
    ivec3 at = ivec3(place.xy, min(place.z + row, ROWS - 1));
    [[unroll]] for (int i = 0; i < 4; ++i) {
        int key = first + 4 * four + i;
        s[i] = key < KEYS ? finished(s[i], at, key) : HIDDEN;
    }
    return s;
}

// Of the lanes of a row.
float row_max(float value) {
    [[unroll]] for (int i = 1; i < ROW_LANES; i *= 2) value = max(value, of_neighbour(value, uint(i)));
    return value;
}
float row_sum(float value) {
    [[unroll]] for (int i = 1; i < ROW_LANES; i *= 2) value += of_neighbour(value, uint(i));
    return value;
}

void store_weights(int four, vec4 weight) {
    keep_weights(thread / ROW_LANES * WEIGHT_STRIDE + four, uvec2(packHalf2x16(weight.xy), packHalf2x16(weight.zw)));
}

void main() {
    thread = int(gl_LocalInvocationIndex);
    warp = SUBGROUP;
    int group = int(flat_group());
    if (group >= COUNT) return;
    int tiles = (ROWS + TILE_ROWS - 1) / TILE_ROWS;
    int heads = HEADS;
    place = ivec3(group / tiles / heads, group / tiles % heads, group % tiles * TILE_ROWS);
    int lane = thread % ROW_LANES;
    int blocks = (keys_seen(min(place.z + TILE_ROWS, ROWS) - 1) + TILE_KEYS - 1) / TILE_KEYS;

    fetch_keys(0);
    for (int at = thread; at < TILE_ROWS * DEPTH_EIGHTS; at += THREADS) {
        ivec3 row = ivec3(place.xy, min(place.z + at / DEPTH_EIGHTS, ROWS - 1));
        keep_query(at / DEPTH_EIGHTS * Q_STRIDE + at % DEPTH_EIGHTS, q[(Q_AT(row) >> 3) + at % DEPTH_EIGHTS]);
    }

    // The largest score of this lane's row, and the sum of the exponentials: lanes of a row hold the same.
    float largest = HIDDEN;
    float total = 0.0;
    for (int block = 0; block < blocks; ++block) {
        publish_keys();
        if (block + 1 < blocks) {
            fetch_keys((block + 1) * TILE_KEYS);
        } else if (RESIDENT > 0) {
            fetch_values(0);
        } else {
            fetch_keys(0);
        }
        multiply_keys(RESIDENT > 0 ? block * TILE_KEYS : 0);
        if (RESIDENT == 0) {
            barrier();
            float before = largest;
            for (int four = lane; four < KEPT_KEYS / 4; four += ROW_LANES) {
                vec4 s = scaled(four, block * TILE_KEYS);
                largest = max(largest, max(max(s.x, s.y), max(s.z, s.w)));
            }
            largest = row_max(largest);
            float sum = 0.0;
            for (int four = lane; four < KEPT_KEYS / 4; four += ROW_LANES) {
                vec4 e = exp(scaled(four, block * TILE_KEYS) - lowered_by(largest));
                sum += (e.x + e.y) + (e.z + e.w);
            }
            total = (block > 0 ? total * exp(before - lowered_by(largest)) : 0.0) + row_sum(sum);
        }
    }
    if (RESIDENT > 0) {
        barrier();
        for (int four = lane; four < KEPT_KEYS / 4; four += ROW_LANES) {
            vec4 s = scaled(four, 0);
            keep_scores(thread / ROW_LANES * SCORE_STRIDE + four, s);
            largest = max(largest, max(max(s.x, s.y), max(s.z, s.w)));
        }
        largest = row_max(largest);
        for (int four = lane; four < KEPT_KEYS / 4; four += ROW_LANES) {
            vec4 e = exp(kept_scores(thread / ROW_LANES * SCORE_STRIDE + four) - lowered_by(largest));
            total += (e.x + e.y) + (e.z + e.w);
            store_weights(four, e);
        }
        total = row_sum(total);
    }

    MATRIX_SUM sum[SUMS];
    [[unroll]] for (int i = 0; i < SUMS; ++i) sum[i] = ZERO_SUM;
    for (int block = 0; block < blocks; ++block) {
        if (RESIDENT == 0) {
            publish_keys();
            fetch_values(block * TILE_KEYS);
            multiply_keys(0);
            barrier();
            for (int four = lane; four < KEPT_KEYS / 4; four += ROW_LANES) store_weights(four, exp(scaled(four, block * TILE_KEYS) - lowered_by(largest)));
        }
        publish_values();
        if (RESIDENT > 0) {
            fetch_values((block + 1) * TILE_KEYS); // behind the last one nothing is there, and nothing is read
        } else {
            fetch_keys((block + 1) * TILE_KEYS);
        }
        int column = RESIDENT > 0 ? block * TILE_KEYS : 0;
        [[unroll]] for (int i = 0; i < SUMS; ++i) {
            int r = (warp + i * WARPS) / WIDTH_FRAGMENTS;
            int n = (warp + i * WARPS) % WIDTH_FRAGMENTS;
            if (warp + i * WARPS < ROW_FRAGMENTS * WIDTH_FRAGMENTS) {
                [[unroll]] for (int key = 0; key < TILE_KEYS; key += SIDE) {
                    MATRIX_A a;
                    MATRIX_B b;
                    coopMatLoad(a, weights, r * SIDE * WEIGHT_STRIDE + (column + key) / 4, WEIGHT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                    coopMatLoad(b, tile, key * V_STRIDE + 2 * n, V_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                    sum[i] = coopMatMulAdd(a, b, sum[i]);
                }
            }
        }
    }

    barrier(); // scores become results
    [[unroll]] for (int i = 0; i < SUMS; ++i) {
        int r = (warp + i * WARPS) / WIDTH_FRAGMENTS;
        int n = (warp + i * WARPS) % WIDTH_FRAGMENTS;
        if (warp + i * WARPS < ROW_FRAGMENTS * WIDTH_FRAGMENTS)
            coopMatStore(sum[i], scores, r * SIDE * RESULT_STRIDE + n * SIDE / 4, RESULT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    }
    barrier();
    int row = thread / ROW_LANES;
    if (place.z + row >= ROWS) return;
    int y_at = Y_AT(ivec3(place.xy, place.z + row)) >> 2;
    for (int four = lane; four < 2 * WIDTH_EIGHTS; four += ROW_LANES) {
        vec4 value = quotient(kept_scores(row * RESULT_STRIDE + four), total);
        y[y_at + four] = uvec2(packHalf2x16(value.xy), packHalf2x16(value.zw));
    }
}
