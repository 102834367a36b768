// exp(x - max) / sum of that along one axis, or its logarithm: the row is read three times, nothing is kept. VEC4: four neighbouring rows
// per invocation. SHARED: a workgroup per row, its lanes' results joined in a tree.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/rows.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, x)
STORAGE(1, writeonly, y)

#define LOG (G(3) != 0)
#define IN_HALF ((G(4) & 1) != 0)
#define OUT_HALF ((G(4) & 2) != 0)
#define IN_STRIDE P(16)
#define OUT_STRIDE P(20)

#ifdef VEC4
#define VALUE vec4
#define READ(i) LOAD4(x, IN_HALF, (i) >> 2)
#define WRITE(i, value) STORE4(y, OUT_HALF, (i) >> 2, value)
#else
#define VALUE float
#define READ(i) LOAD(x, IN_HALF, i)
#define WRITE(i, value) STORE(y, OUT_HALF, i, value)
#endif

#ifdef SHARED
shared VALUE partial[256]; // at least the workgroup's size, a power of two
#define JOIN_LANES(mine, join)                                                                      \
    {                                                                                               \
        int lane = int(gl_LocalInvocationID.x);                                                     \
        barrier();                                                                                  \
        partial[lane] = mine;                                                                       \
        for (int half_size = int(gl_WorkGroupSize.x) / 2; half_size > 0; half_size /= 2) {          \
            barrier();                                                                              \
            if (lane < half_size) partial[lane] = join(partial[lane], partial[lane + half_size]);   \
        }                                                                                           \
        barrier();                                                                                  \
        mine = partial[0];                                                                          \
    }
#else
#define JOIN_LANES(mine, join)
#endif

VALUE add(VALUE a, VALUE b) { return a + b; }

void main() {
    int row = row_of_invocation();
    if (row >= COUNT) return;
    ivec2 base = row_base(row);
    VALUE largest = VALUE(uintBitsToFloat(0xff800000u));
    MANY_ROUNDS(i, first_element(), LENGTH, LANES, 4, largest = max(largest, READ(base.x + i * IN_STRIDE));)
    JOIN_LANES(largest, max)
    VALUE sum = VALUE(0.0);
    MANY_ROUNDS(i, first_element(), LENGTH, LANES, 4, sum += exp(READ(base.x + i * IN_STRIDE) - largest);)
    JOIN_LANES(sum, add)
    VALUE scale = LOG ? log(sum) : 1.0 / sum;
    MANY_ROUNDS(i, first_element(), LENGTH, LANES, 4,
        VALUE v = READ(base.x + i * IN_STRIDE) - largest;
        v = LOG ? v - scale : exp(v) * scale;
        WRITE((base.y + i * OUT_STRIDE), v))
}
