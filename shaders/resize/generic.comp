// Resizes one to three spatial axes (missing ones have extent 1): nearest, linear or cubic, taps and weights per axis, their products summed.
// One output element per invocation, any layout; with VEC4 four neighbouring channels of channels-last memory.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, x)
STORAGE(1, writeonly, y)

#define COUNT P(0) // of invocations
#define CHANNELS P(1)
#define OUT ivec3(P(2), P(3), P(4))
#define IN ivec3(P(5), P(6), P(7))
#define SCALE_BITS ivec3(P(8), P(9), P(10)) // of a float; 0: output extent / input extent
#define CUBIC_COEFFICIENT intBitsToFloat(P(11))

// Places with the numbers of the public enumerations.
#define MODE G(0)
#define COORDINATES G(1)
#define SELECT_UPPER (G(2) != 0) // one output element reads source 0
#define ROUNDING G(3)
#define EXCLUDE_OUTSIDE (G(4) != 0)
#define TAPS int[](G(5), G(6), G(7)) // per axis: 1, 2 or 4; 0: the axis keeps its extent
#define IN_HALF ((G(8) & 1) != 0)
#define OUT_HALF ((G(8) & 2) != 0)
#define IN_LAST (G(9) != 0)
#define OUT_LAST (G(10) != 0)
#define LINEAR 1
#define CUBIC 2
#define ALIGN_CORNERS 0
#define ASYMMETRIC 1
#define HALF_UP 0
#define HALF_DOWN 1
#define FLOOR 2

#ifdef VEC4
#define VALUE vec4
#define READ(i) LOAD4(x, IN_HALF, i)
#define WRITE(i, value) STORE4(y, OUT_HALF, i, value)
#define LAST(flag) true
#define PARTS (CHANNELS >> 2)
#else
#define VALUE float
#define READ(i) LOAD(x, IN_HALF, i)
#define WRITE(i, value) STORE(y, OUT_HALF, i, value)
#define LAST(flag) flag
#define PARTS CHANNELS
#endif

int split(inout int rest, int extent) {
    int outer = quick_div(rest, extent);
    int at = rest - outer * extent;
    rest = outer;
    return at;
}

// Correctly rounded in nearly all cases: exact quotients must not come out below the integer that they are.
float divide(float a, float b) {
    precise float q = a / b;
    precise float rest = fma(-q, b, a);
    precise float exact = q + rest / b;
    return exact;
}

float source_position(int o, int axis) {
    ivec3 bits = SCALE_BITS;
    float out_extent = float(OUT[axis]);
    float scale = bits[axis] != 0 ? intBitsToFloat(bits[axis]) : divide(out_extent, float(IN[axis]));
    if (SELECT_UPPER && OUT[axis] == 1) return 0.0;
    if (COORDINATES == ALIGN_CORNERS) return OUT[axis] == 1 ? 0.0 : divide(float(o) * float(IN[axis] - 1), out_extent - 1.0);
    if (COORDINATES == ASYMMETRIC) return divide(float(o), scale);
    precise float position = divide(float(o) + 0.5, scale) - 0.5;
    return position;
}

int nearest(float p) {
    return int(ROUNDING == HALF_UP ? floor(p + 0.5) : ROUNDING == HALF_DOWN ? ceil(p - 0.5) : ROUNDING == FLOOR ? floor(p) : ceil(p));
}

vec4 cubic_weights(float t) {
    float a = CUBIC_COEFFICIENT;
    vec4 d = vec4(1.0 + t, t, 1.0 - t, 2.0 - t);
    vec2 far = ((a * d.xw - 5.0 * a) * d.xw + 8.0 * a) * d.xw - 4.0 * a;
    vec2 near = ((a + 2.0) * d.yz - (a + 3.0)) * d.yz * d.yz + 1.0;
    return vec4(far.x, near, far.y);
}

// Source indices and weights of one axis; unused places have weight 0.
void taps_of(int o, int axis, out ivec4 at, out vec4 weight) {
    at = ivec4(o);
    weight = vec4(1.0, 0.0, 0.0, 0.0);
    if (TAPS[axis] == 0) return;
    float p = source_position(o, axis);
    int last = IN[axis] - 1;
    if (MODE == LINEAR) {
        p = clamp(p, 0.0, float(last));
        int low = int(floor(p));
        at = ivec4(low, min(low + 1, last), 0, 0);
        weight.xy = vec2(1.0 - (p - float(low)), p - float(low));
    } else if (MODE == CUBIC) {
        int low = int(floor(p));
        at = ivec4(low - 1, low, low + 1, low + 2);
        weight = cubic_weights(p - float(low));
        if (EXCLUDE_OUTSIDE) {
            weight *= vec4(greaterThanEqual(at, ivec4(0))) * vec4(lessThanEqual(at, ivec4(last)));
            weight /= weight.x + weight.y + weight.z + weight.w;
        }
    } else {
        at.x = nearest(p);
    }
    at = clamp(at, ivec4(0), ivec4(last));
}

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int rest = index;
    int c = LAST(OUT_LAST) ? split(rest, PARTS) : 0;
    ivec3 o;
    o.z = split(rest, OUT.z);
    o.y = OUT.y == 1 ? 0 : split(rest, OUT.y);
    o.x = OUT.x == 1 ? 0 : split(rest, OUT.x);
    if (!LAST(OUT_LAST)) c = split(rest, PARTS);
    int n = rest;
    int stride = LAST(IN_LAST) ? PARTS : 1;
    int base = LAST(IN_LAST) ? n * IN.x * IN.y * IN.z * PARTS + c : (n * PARTS + c) * IN.x * IN.y * IN.z;

    ivec4 ax, ay, az;
    vec4 wx, wy, wz;
    taps_of(o.x, 0, ax, wx);
    taps_of(o.y, 1, ay, wy);
    taps_of(o.z, 2, az, wz);
    VALUE r = VALUE(0.0);
    [[unroll]] for (int i = 0; i < max(TAPS[0], 1); ++i) {
        [[unroll]] for (int j = 0; j < max(TAPS[1], 1); ++j) {
            [[unroll]] for (int k = 0; k < max(TAPS[2], 1); ++k) {
                int at = (ax[i] * IN.y + ay[j]) * IN.z + az[k];
                r += READ(base + at * stride) * (wx[i] * wy[j] * wz[k]);
            }
        }
    }
    WRITE(index, r)
}
