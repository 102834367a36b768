// (x - mean) / sqrt(variance + epsilon) of rows that lie one behind the other, or x / sqrt(mean square + epsilon), then a pointwise program. An
// invocation takes a row (on CPU drivers), or a workgroup does (SHARED), whose lanes keep what they have read and join their sums in a
// tree, or first within their subgroups (SUBGROUP). VEC4: rows
// come in fours of elements.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#ifdef SUBGROUP
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif
#include "common/interface.glsl"
#include "common/epilogue.glsl"

STORAGE(0, readonly, x)
STORAGE(3, writeonly, y)

#define COUNT P(0)
#define LENGTH P(1) // in elements
#define CENTRED (G(2) != 0)
#define EPSILON intBitsToFloat(G(3))
#define LANES G(4) // invocations of a row

#ifdef VEC4
#define VALUE vec4
#define WIDTH 4
#define READ(i) LOAD4(x, IN_HALF, i)
#define SUM(v) (((v).x + (v).y) + ((v).z + (v).w))
#define FINISH(value, at, place) finish4(value, 4 * (at), 4 * (place))
#define ARGUMENTS Operands
#define LOAD_ARGUMENTS(at, place) load_operands(4 * (at), 4 * (place))
#define FINISH_WITH(value, given) finish4(value, given)
#define WRITE(i, value) STORE4(y, OUT_HALF, i, value)
#else
#define VALUE float
#define WIDTH 1
#define READ(i) LOAD(x, IN_HALF, i)
#define SUM(v) (v)
#define FINISH(value, at, place) finish(value, at, place)
#define ARGUMENTS vec4
#define LOAD_ARGUMENTS(at, place) vec4(OPERAND(0, at, place), OPERAND(1, at, place), OPERAND(2, at, place), OPERAND(3, at, place))
#define FINISH_WITH(value, given) (POINTWISE_EMPTY ? value : pointwise(value, given.x, given.y, given.z, given.w))
#define WRITE(i, value) STORE(y, OUT_HALF, i, value)
#endif

#ifdef SHARED
const int KEPT = G(5) > 0 ? G(5) : 1; // values of a lane: all that it reads
const bool EARLY = KEPT <= 4;         // few enough to ask for what the program reads before lanes wait for each other
#define FIRST int(gl_LocalInvocationID.x)
#define ROW int(flat_group())
#define EACH(i, k, BODY) { [[unroll]] for (int k = 0; k < KEPT; ++k) { int i = FIRST + k * LANES; if (i < length) { BODY } } }
shared float partial[2 * 128]; // of the mean, of the squares

float join(float mine, int which) {
    int lane = FIRST;
    int at = which * 128;
#ifdef SUBGROUP
    mine = subgroupAdd(mine);
    if (gl_NumSubgroups == 1u) return mine;
    if (subgroupElect()) partial[at + int(gl_SubgroupID)] = mine;
    barrier();
    float sum = 0.0;
    for (int i = 0; i < int(gl_NumSubgroups); ++i) sum += partial[at + i];
    return sum;
#else
    partial[at + lane] = mine;
    for (int half_size = LANES / 2; half_size > 0; half_size /= 2) { // LANES is a power of two
        barrier();
        if (lane < half_size) partial[at + lane] += partial[at + lane + half_size];
    }
    barrier();
    return partial[at];
#endif
}
#else
#define ROW int(flat_invocation())
#define EACH(i, k, BODY) MANY_ROUNDS(i, 0, length, 1, 4, BODY)
#define join(mine, which) (mine)
#endif

void main() {
    int row = ROW;
    if (row >= COUNT) return;
    int length = LENGTH / WIDTH;
    int base = row * length;
    float elements = float(LENGTH);
    float mean = 0.0;
    float square = 0.0;
#ifdef SHARED
    VALUE kept[KEPT];
    ARGUMENTS given[KEPT];
    EACH(i, k, kept[k] = READ(base + i); if (EARLY) given[k] = LOAD_ARGUMENTS(base + i, i);)
#define VALUE_OF(i, k) kept[k]
#else
#define VALUE_OF(i, k) READ(base + i)
#endif
    if (CENTRED) {
        EACH(i, k, mean += SUM(VALUE_OF(i, k));)
        mean = join(mean, 0) / elements;
    }
    EACH(i, k, VALUE d = VALUE_OF(i, k) - mean; square += SUM(d * d);)
    float scale = 1.0 / sqrt(join(square, 1) / elements + EPSILON);
#ifdef SHARED
    if (EARLY) {
        EACH(i, k, VALUE d = FINISH_WITH(((kept[k] - mean) * scale), given[k]); WRITE((base + i), d))
        return;
    }
#endif
    EACH(i, k, VALUE d = FINISH((VALUE_OF(i, k) - mean) * scale, base + i, i); WRITE((base + i), d))
}
