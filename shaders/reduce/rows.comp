// Sum, product, maximum, minimum or mean along any axes. Sums are kept in float (integers in their own type) and added in a fixed order.
// VEC4: four neighbouring results per invocation. SHARED: a workgroup per result, its lanes' results joined in a tree.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/rows.glsl"
#include "common/storage.glsl"

#define OP G(3) // ReduceOperation
#define IN_HALF ((G(4) & 1) != 0)
#define OUT_HALF ((G(4) & 2) != 0)
#define SUM 0
#define PROD 1
#define MAX 2
#define MIN 3
#define AVG 4

#ifdef INT
layout(binding = 0) readonly buffer Input { int x[]; };
layout(binding = 1) writeonly buffer Output { int y[]; };
#define VALUE int
#define READ(i) x[i]
#define WRITE(i, value) y[i] = value;
#define LOWEST (-2147483647 - 1)
#define HIGHEST 2147483647
#else
STORAGE(0, readonly, x)
STORAGE(1, writeonly, y)
#define LOWEST uintBitsToFloat(0xff800000u)
#define HIGHEST uintBitsToFloat(0x7f800000u)
#ifdef VEC4
#define VALUE vec4
#define READ(i) LOAD4(x, IN_HALF, (i) >> 2)
#define WRITE(i, value) STORE4(y, OUT_HALF, (i) >> 2, value)
#else
#define VALUE float
#define READ(i) LOAD(x, IN_HALF, i)
#define WRITE(i, value) STORE(y, OUT_HALF, i, value)
#endif
#endif

VALUE neutral() { return OP == PROD ? VALUE(1) : OP == MAX ? VALUE(LOWEST) : OP == MIN ? VALUE(HIGHEST) : VALUE(0); }
VALUE join(VALUE a, VALUE b) { return OP == PROD ? a * b : OP == MAX ? max(a, b) : OP == MIN ? min(a, b) : a + b; }

#ifdef SHARED
shared VALUE partial[256]; // at least the workgroup's size, a power of two

VALUE join_lanes(VALUE mine) {
    int lane = int(gl_LocalInvocationID.x);
    partial[lane] = mine;
    for (int half_size = int(gl_WorkGroupSize.x) / 2; half_size > 0; half_size /= 2) {
        barrier();
        if (lane < half_size) partial[lane] = join(partial[lane], partial[lane + half_size]);
    }
    return partial[0]; // for lane 0, which wrote it
}
#endif

void main() {
    int row = row_of_invocation();
    if (row >= COUNT) return;
    ivec2 base = row_base(row);
    VALUE r = neutral();
    if (REDUCED_AXES == 1) {
        int stride = P(16);
        MANY_ROUNDS(i, first_element(), LENGTH, LANES, 8, r = join(r, READ(base.x + i * stride));)
    } else {
        MANY_ROUNDS(i, first_element(), LENGTH, LANES, 8, r = join(r, READ(base.x + element_offset(i)));)
    }
#ifdef SHARED
    r = join_lanes(r);
    if (gl_LocalInvocationID.x != 0u) return;
#endif
    if (OP == AVG) r /= VALUE(LENGTH);
    WRITE(base.y, r)
}
