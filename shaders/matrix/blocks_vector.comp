// Matrix products of few rows whose second factor lies in blocks of few bits (blocks.glsl), which is read once and waited for. An invocation adds some
// units of the depth for one column and EACH rows; DEEP of them are asked for together. SLICES invocations share a column, and their sums meet in shared
// memory. Neighbouring invocations read neighbouring columns, and the same terms of the first factor.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "matrix/finish.glsl"
#include "matrix/tiles.glsl"
#define BLOCKS_BINDING 1
#define BLOCK_DEPTH K
#define BLOCK_COLUMNS N
#include "matrix/blocks.glsl"

STORAGE(0, readonly, a)

// Sizes; the choice is for the defaults, which must be positive too.
const int EACH = G(4) > 0 ? G(4) : 1;   // rows of a workgroup
const int LANES = G(5) > 0 ? G(5) : 8;  // columns
const int SLICES = G(6) > 0 ? G(6) : 8; // of the depth, a power of two
const int DEEP = G(7) > 0 ? G(7) : 1;
const int INVOCATIONS = LANES * SLICES;
const int SHARING = G(11) % UNIT == 0 ? UNIT : 16; // numbers of a unit that share a scale

shared float sums[EACH * INVOCATIONS]; // [row][slice][column]

// Four terms of a row from k on, zeros beyond the last.
vec4 terms(int base, int k) {
    if (K % UNIT != 0 && k >= K) return vec4(0.0);
    if (WIDE(A_LIES) && BY_DEPTH(A_LIES)) return LOAD4(a, IN_HALF, (base + k * A_COLUMN) >> 2);
    vec4 value = vec4(0.0);
    [[unroll]] for (int i = 0; i < 4; ++i) value[i] = k + i < K ? LOAD(a, IN_HALF, base + (k + i) * A_COLUMN) : 0.0;
    return value;
}

// One function, since sums outside of it would not stay in registers.
void main() {
    int invocation = int(gl_LocalInvocationIndex);
    int group = int(flat_group());
    if (group >= COUNT) return;
    Tile tile = tile_of(group, EACH, LANES);
    Place p = place_of_matrix(tile.matrix);
    int slice = invocation / LANES;
    int column = min(tile.column + invocation % LANES, N - 1);
    int rows[EACH]; // where their terms begin
    float sum[EACH];
    [[unroll]] for (int r = 0; r < EACH; ++r) {
        rows[r] = p.a + min(tile.row + r, M - 1) * A_ROW;
        sum[r] = 0.0;
    }
    for (int u = slice; u < BLOCK_UNITS; u += DEEP * SLICES) {
        uvec4 ahead[DEEP];
        [[unroll]] for (int i = 0; i < DEEP; ++i) ahead[i] = units[min(u + i * SLICES, BLOCK_UNITS - 1) * BLOCK_STRIDE + column];
        [[unroll]] for (int i = 0; i < DEEP; ++i) {
            if (u + i * SLICES >= BLOCK_UNITS) continue;
            int k0 = (u + i * SLICES) * UNIT;
            [[unroll]] for (int part = 0; part < UNIT; part += SHARING) {
                int block = min((k0 + part) / BLOCK, BLOCK_COUNT - 1); // what is beyond the last has terms of 0
                vec4 offset = offset_of(zero_of(block, column));
                float scale = scale_of(block, column);
                vec4 places[EACH];
                [[unroll]] for (int r = 0; r < EACH; ++r) places[r] = vec4(0.0);
                [[unroll]] for (int k = part; k < part + SHARING; k += 4) {
                    vec4 codes = four_codes(four_of(ahead[i], k / 4)) - offset;
                    [[unroll]] for (int r = 0; r < EACH; ++r) places[r] = fma(terms(rows[r], k0 + k), codes, places[r]);
                }
                [[unroll]] for (int r = 0; r < EACH; ++r) sum[r] = fma(dot(places[r], OUT_OF_PLACE), scale, sum[r]);
            }
        }
    }

    [[unroll]] for (int r = 0; r < EACH; ++r) sums[r * INVOCATIONS + invocation] = sum[r];
    for (int reach = SLICES / 2; reach > 0; reach /= 2) {
        barrier();
        if (slice < reach) {
            [[unroll]] for (int r = 0; r < EACH; ++r) sums[r * INVOCATIONS + invocation] += sums[r * INVOCATIONS + invocation + reach * LANES];
        }
    }
    barrier();
    for (int i = invocation; i < EACH * LANES; i += INVOCATIONS) {
        int l = i % LANES, r = i / LANES;
        if (tile.column + l >= N || tile.row + r >= M) continue;
        p.at[3] = tile.row + r;
        p.at[4] = tile.column + l;
        store_one(sums[r * INVOCATIONS + l], (tile.matrix * M + p.at[3]) * N + p.at[4], p);
    }
}
