// The k largest (or smallest) elements along an axis, in order, and their places. One row per invocation; result j is the best element that
// comes after result j - 1, so nothing is kept: made for small k, ArgMax and ArgMin among them. Equal elements come in the order of their
// places, or backwards.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/rows.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, x)
STORAGE(1, writeonly, values)
layout(binding = 2) writeonly buffer Indices { int indices[]; };

#define IN_STRIDE P(16)
#define OUT_STRIDE P(20)
#define K P(21)
#define SMALLEST (G(3) != 0)
#define IN_HALF ((G(4) & 1) != 0)
#define OUT_HALF ((G(4) & 2) != 0)
#define WANTS_VALUES ((G(5) & 1) != 0)
#define WANTS_INDICES ((G(5) & 2) != 0)
#define LONG_INDICES ((G(5) & 4) != 0)
#define LAST_FIRST ((G(5) & 8) != 0)
#define NAN_LAST ((G(5) & 16) != 0)

// Does (a, i) come before (b, j)?
bool before(float a, int i, float b, int j) {
    bool equal_values = a == b || (isnan(a) && isnan(b));
    bool better = isnan(a) || isnan(b) ? isnan(a) != NAN_LAST : SMALLEST ? a < b : a > b;
    return equal_values ? (LAST_FIRST ? i > j : i < j) : better;
}

void main() {
    int row = row_of_invocation();
    if (row >= COUNT) return;
    ivec2 base = row_base(row);
    float last = 0.0;
    int last_at = -1;
    for (int j = 0; j < K; ++j) {
        float best = 0.0;
        int best_at = -1;
        MANY_ROUNDS(i, 0, LENGTH, 1, 8,
            float v = LOAD(x, IN_HALF, (base.x + i * IN_STRIDE));
            if ((last_at < 0 || before(last, last_at, v, i)) && (best_at < 0 || before(v, i, best, best_at))) {
                best = v;
                best_at = i;
            })
        last = best;
        last_at = best_at;
        int to = base.y + j * OUT_STRIDE;
        if (WANTS_VALUES) STORE(values, OUT_HALF, to, best)
        if (WANTS_INDICES) {
            if (LONG_INDICES) {
                indices[2 * to] = best_at;
                indices[2 * to + 1] = 0;
            } else {
                indices[to] = best_at;
            }
        }
    }
}
