// Attention as it is written down: an invocation computes four neighbouring columns of a row, and every score of that row twice.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "attention/problem.glsl"

STORAGE(0, readonly, q)
STORAGE(1, readonly, k)
STORAGE(2, readonly, v)
STORAGE(4, writeonly, y)

float score(ivec3 place, int q_at, int key) {
    int k_at = K_AT(ivec3(place.xy, key));
    vec4 sum = vec4(0.0);
    for (int i = 0; i < (DEPTH + 3) / 4; ++i) sum += LOAD_COLUMNS(q, q_at, i, DEPTH) * LOAD_COLUMNS(k, k_at, i, DEPTH);
    return finished((sum.x + sum.y) + (sum.z + sum.w), place, key);
}

void main() {
    int at = int(flat_invocation());
    if (at >= COUNT) return;
    int quads = (WIDTH + 3) / 4;
    int quad = at % quads;
    int row = at / quads;
    int rows = ROWS;
    int heads = HEADS;
    ivec3 place = ivec3(row / rows / heads, row / rows % heads, row % rows);
    int q_at = Q_AT(place);
    float largest = HIDDEN;
    int keys = keys_seen(place.z);
    for (int key = 0; key < keys; ++key) largest = max(largest, score(place, q_at, key));
    float sum = 0.0;
    vec4 result = vec4(0.0);
    for (int key = 0; key < keys; ++key) {
        float weight = exp(score(place, q_at, key) - lowered_by(largest));
        sum += weight;
        result += weight * LOAD_COLUMNS(v, V_AT(ivec3(place.xy, key)), quad, WIDTH);
    }
    result = quotient(result, sum);
    int y_at = Y_AT(place);
    STORE_COLUMNS(y, y_at, quad, WIDTH, result)
}
