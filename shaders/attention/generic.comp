// Attention as it is written down: an invocation computes four neighbouring columns of a row, and every score of that row twice.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/storage.glsl"
#include "attention/problem.glsl"

STORAGE(0, readonly, q)
STORAGE(1, readonly, k)
STORAGE(2, readonly, v)
STORAGE(3, readonly, mask)
STORAGE(4, writeonly, y)

#define IS_HALF (G(5) != 0)

float score(ivec3 place, int q_at, int key) {
    int k_at = K_AT(ivec3(place.xy, key)) >> 2;
    vec4 sum = vec4(0.0);
    for (int i = 0; i < DEPTH / 4; ++i) sum += LOAD4(q, IS_HALF, (q_at >> 2) + i) * LOAD4(k, IS_HALF, k_at + i);
    float r = ((sum.x + sum.y) + (sum.z + sum.w)) * SCALE;
    return MASKED ? r + LOAD(mask, MASK_HALF, MASK_AT(place, key)) : r;
}

void main() {
    int at = int(flat_invocation());
    if (at >= COUNT) return;
    int quads = WIDTH / 4;
    int quad = at % quads;
    int row = at / quads;
    int rows = ROWS;
    int heads = HEADS;
    ivec3 place = ivec3(row / rows / heads, row / rows % heads, row % rows);
    int q_at = Q_AT(place);
    float largest = uintBitsToFloat(0xff800000u);
    for (int key = 0; key < KEYS; ++key) largest = max(largest, score(place, q_at, key));
    float sum = 0.0;
    vec4 result = vec4(0.0);
    for (int key = 0; key < KEYS; ++key) {
        float weight = exp(score(place, q_at, key) - largest);
        sum += weight;
        result += weight * LOAD4(v, IS_HALF, (V_AT(ivec3(place.xy, key)) >> 2) + quad);
    }
    STORE4(y, IS_HALF, (Y_AT(place) >> 2) + quad, KEYS > 0 ? result / sum : vec4(0.0))
}
