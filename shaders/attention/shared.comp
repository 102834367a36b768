// Attention in one dispatch through shared memory, for devices without matrix units and for float32: a workgroup computes TILE_ROWS rows of one head. Keys,
// then their values, come through one shared tile. Weights are those of a softmax whose largest score grows from tile to tile (Milakov and Gimelshein,
// "Online normalizer calculation for softmax", 2018; Dao et al., "FlashAttention", 2022): what was summed before is scaled down where it does.
//
// An invocation holds four rows: their scores with THREAD_KEYS keys of the tile, then WIDTH_VECTORS fours of their results. LANES invocations share the
// rows; they tell each other their largest scores through shared memory, and their sums of weights at the end. No subgroup operations.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "attention/problem.glsl"

STORAGE(0, readonly, q)
STORAGE(1, readonly, k)
STORAGE(2, readonly, v)
STORAGE(4, writeonly, y)

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_ROWS = G(5) > 0 ? G(5) : 16; // of q, a multiple of 4
const int TILE_KEYS = G(6) > 0 ? G(6) : 16; // a multiple of LANES
const int THREADS = G(7) > 0 ? G(7) : 16;
const int DEPTH_VECTORS = DEPTH > 0 ? (DEPTH + 3) / 4 : 1;
const int WIDTH_FOURS = WIDTH > 0 ? (WIDTH + 3) / 4 : 1;

const int ROW_LANES = TILE_ROWS / 4;
const int LANES = THREADS / ROW_LANES;
const int THREAD_KEYS = TILE_KEYS / LANES;
const int WIDTH_VECTORS = (WIDTH_FOURS + LANES - 1) / LANES;
const int DEPTH_STRIDE = DEPTH_VECTORS | 1; // in fours; odd: rows begin in different banks
const int TILE_FOURS = TILE_KEYS * (DEPTH_STRIDE > WIDTH_FOURS ? DEPTH_STRIDE : WIDTH_FOURS);

shared vec4 queries[TILE_ROWS * DEPTH_STRIDE];
shared vec4 tile[TILE_FOURS];                   // keys, then values
shared vec4 weights[TILE_KEYS * ROW_LANES];     // by key, four rows
shared vec4 partial[ROW_LANES * LANES];         // of each invocation: four rows

int thread, lane, row_lane;

// Of all LANES invocations that hold the same rows.
vec4 largest_of_lanes(vec4 mine) {
    partial[row_lane * LANES + lane] = mine;
    barrier();
    vec4 all = partial[row_lane * LANES];
    for (int i = 1; i < LANES; ++i) all = max(all, partial[row_lane * LANES + i]);
    return all;
}

vec4 sum_of_lanes(vec4 mine) {
    barrier();
    partial[row_lane * LANES + lane] = mine;
    barrier();
    vec4 all = partial[row_lane * LANES];
    for (int i = 1; i < LANES; ++i) all += partial[row_lane * LANES + i];
    return all;
}

void fetch_queries(ivec3 place) {
    for (int at = thread; at < TILE_ROWS * DEPTH_VECTORS; at += THREADS) {
        int row = at / DEPTH_VECTORS, four = at % DEPTH_VECTORS;
        int q_at = Q_AT(ivec3(place.xy, min(place.z + row, ROWS - 1)));
        queries[row * DEPTH_STRIDE + four] = LOAD_COLUMNS(q, q_at, four, DEPTH);
    }
}

void fetch_keys(ivec3 place, int first) {
    for (int at = thread; at < TILE_KEYS * DEPTH_VECTORS; at += THREADS) {
        int key = at / DEPTH_VECTORS, four = at % DEPTH_VECTORS;
        int k_at = K_AT(ivec3(place.xy, min(first + key, KEYS - 1)));
        tile[key * DEPTH_STRIDE + four] = LOAD_COLUMNS(k, k_at, four, DEPTH);
    }
}

void fetch_values(ivec3 place, int first) {
    for (int at = thread; at < TILE_KEYS * WIDTH_FOURS; at += THREADS) {
        int v_at = V_AT(ivec3(place.xy, min(first + at / WIDTH_FOURS, KEYS - 1)));
        tile[at] = LOAD_COLUMNS(v, v_at, at % WIDTH_FOURS, WIDTH);
    }
}

float product_of(vec4 a, vec4 b, float sum) { return fma(a.x, b.x, fma(a.y, b.y, fma(a.z, b.z, fma(a.w, b.w, sum)))); }

void main() {
    thread = int(gl_LocalInvocationID.x);
    row_lane = thread / LANES;
    lane = thread % LANES;
    int group = int(flat_group());
    if (group >= COUNT) return;
    int tiles = (ROWS + TILE_ROWS - 1) / TILE_ROWS;
    int heads = HEADS;
    ivec3 place = ivec3(group / tiles / heads, group / tiles % heads, group % tiles * TILE_ROWS);
    int first_row = place.z + 4 * row_lane;

    vec4 result[4 * WIDTH_VECTORS];
    [[unroll]] for (int i = 0; i < 4 * WIDTH_VECTORS; ++i) result[i] = vec4(0.0);
    vec4 largest = vec4(HIDDEN); // of four rows
    vec4 sum = vec4(0.0);        // of this invocation's weights

    fetch_queries(place);
    int end = keys_seen(min(place.z + TILE_ROWS, ROWS) - 1);
    for (int first = 0; first < end; first += TILE_KEYS) {
        barrier();
        fetch_keys(place, first);
        barrier();
        vec4 scores[THREAD_KEYS]; // of four rows
        [[unroll]] for (int i = 0; i < THREAD_KEYS; ++i) scores[i] = vec4(0.0);
        for (int d = 0; d < DEPTH_VECTORS; ++d) {
            vec4 a[4];
            [[unroll]] for (int r = 0; r < 4; ++r) a[r] = queries[(4 * row_lane + r) * DEPTH_STRIDE + d];
            [[unroll]] for (int i = 0; i < THREAD_KEYS; ++i) {
                vec4 b = tile[(lane + i * LANES) * DEPTH_STRIDE + d];
                [[unroll]] for (int r = 0; r < 4; ++r) scores[i][r] = product_of(a[r], b, scores[i][r]);
            }
        }
        vec4 before = largest;
        [[unroll]] for (int i = 0; i < THREAD_KEYS; ++i) {
            int key = first + lane + i * LANES;
            [[unroll]] for (int r = 0; r < 4; ++r) {
                scores[i][r] = key < KEYS ? finished(scores[i][r], ivec3(place.xy, min(first_row + r, ROWS - 1)), key) : HIDDEN;
            }
            largest = max(largest, scores[i]);
        }
        largest = largest_of_lanes(largest);
        vec4 base = vec4(lowered_by(largest.x), lowered_by(largest.y), lowered_by(largest.z), lowered_by(largest.w));
        vec4 shrink = exp(before - base);
        sum *= shrink;
        [[unroll]] for (int i = 0; i < THREAD_KEYS; ++i) {
            vec4 weight = exp(scores[i] - base);
            sum += weight;
            weights[(lane + i * LANES) * ROW_LANES + row_lane] = weight;
        }
        fetch_values(place, first); // all have read the keys: they have told their largest scores since
        barrier();
        [[unroll]] for (int i = 0; i < 4 * WIDTH_VECTORS; ++i) result[i] *= shrink[i % 4];
        for (int key = 0; key < TILE_KEYS; ++key) {
            vec4 weight = weights[key * ROW_LANES + row_lane];
            [[unroll]] for (int i = 0; i < WIDTH_VECTORS; ++i) {
                vec4 value = tile[key * WIDTH_FOURS + min(lane + i * LANES, WIDTH_FOURS - 1)];
                [[unroll]] for (int r = 0; r < 4; ++r) result[4 * i + r] = fma(vec4(weight[r]), value, result[4 * i + r]);
            }
        }
    }

    sum = sum_of_lanes(sum);
    [[unroll]] for (int r = 0; r < 4; ++r) {
        if (first_row + r < ROWS) {
            int y_at = Y_AT(ivec3(place.xy, first_row + r));
            [[unroll]] for (int i = 0; i < WIDTH_VECTORS; ++i) {
                int four = lane + i * LANES;
                vec4 value = quotient(result[4 * i + r], sum[r]);
                if (four < WIDTH_FOURS) { STORE_COLUMNS(y, y_at, four, WIDTH, value) }
            }
        }
    }
}
