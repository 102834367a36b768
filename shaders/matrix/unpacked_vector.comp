// Matrix products of few rows, or of few columns, whose factors are read where they lie: the other factor, the matrix, is read once and waited for.
// An invocation adds some terms for four lines of the matrix (a line makes one row or column of the result) and EACH vectors, SLICES of them share those
// lines, and their sums meet in shared memory. Neighbouring invocations read neighbouring memory: lines, or slices where lines lie along the depth.
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
STORAGE(1, readonly, b)

// Sizes; the choice is for the defaults, which must be positive too.
const int EACH = G(4) > 0 ? G(4) : 1;    // vectors of a workgroup: rows of a, or columns of b
const int VECTORS = G(5) > 0 ? G(5) : 8; // fours of lines
const int SLICES = G(6) > 0 ? G(6) : 8;  // of the depth, a power of two
const int INVOCATIONS = VECTORS * SLICES;
const int LINES = 4 * VECTORS;

#define SWAPPED (G(7) != 0) // the matrix is a, and the vectors are columns of b
#define LIES (SWAPPED ? A_LIES : B_LIES)
#define VECTOR_LIES (SWAPPED ? B_LIES : A_LIES)
#define LINE (SWAPPED ? A_ROW : B_COLUMN) // strides
#define DEPTH (SWAPPED ? A_COLUMN : B_ROW)
#define VECTOR_LINE (SWAPPED ? B_COLUMN : A_ROW)
#define VECTOR_DEPTH (SWAPPED ? B_ROW : A_COLUMN)
#define LINE_COUNT (SWAPPED ? M : N)
#define VECTOR_COUNT (SWAPPED ? N : M)

shared vec4 sums[EACH * INVOCATIONS]; // [vector][slice][four of lines]

float matrix_at(int at) { return SWAPPED ? LOAD(a, IN_HALF, at) : LOAD(b, FACTOR_HALF, at); }
vec4 matrix_at4(int at) { return SWAPPED ? LOAD4(a, IN_HALF, at >> 2) : LOAD4(b, FACTOR_HALF, at >> 2); }
float vector_at(int at) { return SWAPPED ? LOAD(b, FACTOR_HALF, at) : LOAD(a, IN_HALF, at); }
vec4 vector_at4(int at) { return SWAPPED ? LOAD4(b, FACTOR_HALF, at >> 2) : LOAD4(a, IN_HALF, at >> 2); }

// Four terms of a vector from k on, zeros beyond the last.
vec4 terms(int base, int k) {
    if (WIDE(VECTOR_LIES) && BY_DEPTH(VECTOR_LIES)) return vector_at4(base + k * VECTOR_DEPTH);
    vec4 value = vec4(0.0);
    [[unroll]] for (int i = 0; i < 4; ++i) value[i] = k + i < K ? vector_at(base + (k + i) * VECTOR_DEPTH) : 0.0;
    return value;
}

// Four lines from `line` on at one place of the depth: of those beyond the last, the last again.
vec4 across(int base, int line, int k) {
    if (WIDE(LIES)) return matrix_at4(base + min(line, LINE_COUNT - 4) * LINE + k * DEPTH);
    vec4 value;
    [[unroll]] for (int i = 0; i < 4; ++i) value[i] = matrix_at(base + min(line + i, LINE_COUNT - 1) * LINE + k * DEPTH);
    return value;
}

// One line at four places of the depth, zeros beyond the last.
vec4 along(int base, int line, int k) {
    int first = base + min(line, LINE_COUNT - 1) * LINE;
    if (WIDE(LIES)) return matrix_at4(first + k * DEPTH);
    vec4 value = vec4(0.0);
    [[unroll]] for (int i = 0; i < 4; ++i) value[i] = k + i < K ? matrix_at(first + (k + i) * DEPTH) : 0.0;
    return value;
}

void main() {
    int invocation = int(gl_LocalInvocationIndex);
    int group = int(flat_group());
    if (group >= COUNT) return;
    Tile tile = tile_of(group, SWAPPED ? LINES : EACH, SWAPPED ? EACH : LINES);
    Place p = place_of_matrix(tile.matrix);
    int line0 = SWAPPED ? tile.row : tile.column, vector0 = SWAPPED ? tile.column : tile.row;
    int base = SWAPPED ? p.a : p.b, vector_base = SWAPPED ? p.b : p.a;
    int slice = BY_DEPTH(LIES) ? invocation % SLICES : invocation / VECTORS;
    int vector = BY_DEPTH(LIES) ? invocation / SLICES : invocation % VECTORS;
    int line = line0 + 4 * vector;

    vec4 sum[EACH];
    [[unroll]] for (int r = 0; r < EACH; ++r) sum[r] = vec4(0.0);
    for (int k = 4 * slice; k < K; k += 4 * SLICES) {
        vec4 block[4]; // four lines along the depth, or four places of it across lines
        [[unroll]] for (int i = 0; i < 4; ++i) {
            if (BY_DEPTH(LIES)) {
                block[i] = along(base, line + i, k);
            } else {
                block[i] = k + i < K ? across(base, line, k + i) : vec4(0.0);
            }
        }
        [[unroll]] for (int r = 0; r < EACH; ++r) {
            vec4 v = terms(vector_base + min(vector0 + r, VECTOR_COUNT - 1) * VECTOR_LINE, k);
            [[unroll]] for (int i = 0; i < 4; ++i) {
                if (BY_DEPTH(LIES)) {
                    sum[r][i] += dot(v, block[i]);
                } else {
                    sum[r] = fma(vec4(v[i]), block[i], sum[r]);
                }
            }
        }
    }

    int place = slice * VECTORS + vector;
    [[unroll]] for (int r = 0; r < EACH; ++r) sums[r * INVOCATIONS + place] = sum[r];
    for (int reach = SLICES / 2; reach > 0; reach /= 2) {
        barrier();
        if (slice < reach) {
            [[unroll]] for (int r = 0; r < EACH; ++r) sums[r * INVOCATIONS + place] += sums[r * INVOCATIONS + place + reach * VECTORS];
        }
    }
    barrier();
    for (int i = invocation; i < EACH * LINES; i += INVOCATIONS) {
        int l = i % LINES, r = i / LINES;
        if (line0 + l >= LINE_COUNT || vector0 + r >= VECTOR_COUNT) continue;
        p.at[3] = SWAPPED ? line0 + l : vector0 + r;
        p.at[4] = SWAPPED ? vector0 + r : line0 + l;
        store_one(sums[r * INVOCATIONS + l / 4][l % 4], (tile.matrix * M + p.at[3]) * N + p.at[4], p);
    }
}
