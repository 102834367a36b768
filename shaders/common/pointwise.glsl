// A pointwise program (cpp/src/kernels/pointwise_program.hpp) in specialization constants: the driver folds the switch, what is left is
// the chain's own arithmetic. Used by the pointwise kernels and as the epilogue of others:
//
//   vec4  pointwise(vec4 value, vec4 op0, vec4 op1, vec4 op2, vec4 op3)     also for float
//   POINTWISE_USES_<k>    does the program read operand k? A constant: guard the load with it
//   POINTWISE_EMPTY       no program: pointwise() returns the value
//
// Pointwise kernels and those of quantized products define PW_QUANTIZES before they include this. The others compile faster without it, and
// fuse_epilogues() gives shaders of floats no program that quantizes.
//
// The whole switch is in the shader once per call, which costs a driver milliseconds: call it inside a loop over results, not once per result.
// Cases that a program has not are taken out before a driver sees them (cpp/src/kernels/used_cases.hpp), where a switch has the case PW_SWITCH.
#ifndef TENSORVK_POINTWISE
#define TENSORVK_POINTWISE

#extension GL_EXT_control_flow_attributes : require
#include "common/pointwise_math.glsl"

layout(constant_id = 40) const int PW_CODE0 = 0;
layout(constant_id = 41) const int PW_IMM0 = 0;
layout(constant_id = 42) const int PW_CODE1 = 0;
layout(constant_id = 43) const int PW_IMM1 = 0;
layout(constant_id = 44) const int PW_CODE2 = 0;
layout(constant_id = 45) const int PW_IMM2 = 0;
layout(constant_id = 46) const int PW_CODE3 = 0;
layout(constant_id = 47) const int PW_IMM3 = 0;
layout(constant_id = 48) const int PW_CODE4 = 0;
layout(constant_id = 49) const int PW_IMM4 = 0;
layout(constant_id = 50) const int PW_CODE5 = 0;
layout(constant_id = 51) const int PW_IMM5 = 0;
layout(constant_id = 52) const int PW_CODE6 = 0;
layout(constant_id = 53) const int PW_IMM6 = 0;
layout(constant_id = 54) const int PW_CODE7 = 0;
layout(constant_id = 55) const int PW_IMM7 = 0;
layout(constant_id = 56) const int PW_CODE8 = 0;
layout(constant_id = 57) const int PW_IMM8 = 0;
layout(constant_id = 58) const int PW_CODE9 = 0;
layout(constant_id = 59) const int PW_IMM9 = 0;
layout(constant_id = 60) const int PW_CODE10 = 0;
layout(constant_id = 61) const int PW_IMM10 = 0;
layout(constant_id = 62) const int PW_CODE11 = 0;
layout(constant_id = 63) const int PW_IMM11 = 0;

#define POINTWISE_EMPTY (PW_CODE0 == 0)

// Argument bytes are kind << 6 | index: 0 value, 1 operand, 2 immediate. Is one of the three arguments operand k? (Bitwise: glslang makes
// invalid SPIR-V of || between specialization constants.)
#define PW_IS(code, shift, k) int(((code >> shift) & 255) == 64 + k)
#define PW_READS(code, k) PW_IS(code, 8, k) | PW_IS(code, 16, k) | PW_IS(code, 24, k)
#define PW_USES(k) \
    ((\
     PW_READS(PW_CODE0, k) | PW_READS(PW_CODE1, k) | PW_READS(PW_CODE2, k) | \
     PW_READS(PW_CODE3, k) | PW_READS(PW_CODE4, k) | PW_READS(PW_CODE5, k) | \
     PW_READS(PW_CODE6, k) | PW_READS(PW_CODE7, k) | PW_READS(PW_CODE8, k) | \
     PW_READS(PW_CODE9, k) | PW_READS(PW_CODE10, k) | PW_READS(PW_CODE11, k)) != 0)

const bool POINTWISE_USES_0 = PW_USES(0);
const bool POINTWISE_USES_1 = PW_USES(1);
const bool POINTWISE_USES_2 = PW_USES(2);
const bool POINTWISE_USES_3 = PW_USES(3);

#ifdef PW_QUANTIZES
#define PW_LAST(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11)                                                                         \
    (c11 != 0 ? c11 : c10 != 0 ? c10 : c9 != 0 ? c9 : c8 != 0 ? c8 : c7 != 0 ? c7 : c6 != 0 ? c6 : c5 != 0 ? c5 : c4 != 0 ? c4 : c3 != 0 ? c3 \
     : c2 != 0 ? c2 : c1 != 0 ? c1 : c0)
#define PW_BEFORE(i, next) (PW_CODE##i * int(PW_CODE##next != 0))
const int PW_LAST_OP = 255 & PW_LAST(PW_CODE0, PW_CODE1, PW_CODE2, PW_CODE3, PW_CODE4, PW_CODE5, PW_CODE6, PW_CODE7, PW_CODE8, PW_CODE9, PW_CODE10, PW_CODE11);
const int PW_OP_BEFORE = 255 & PW_LAST(0, PW_BEFORE(0, 1), PW_BEFORE(1, 2), PW_BEFORE(2, 3), PW_BEFORE(3, 4), PW_BEFORE(4, 5), PW_BEFORE(5, 6), PW_BEFORE(6, 7),
                                       PW_BEFORE(7, 8), PW_BEFORE(8, 9), PW_BEFORE(9, 10), PW_BEFORE(10, 11));
// The program rounds to whole numbers, and adds nothing or what comes behind that alone, a zero point.
const bool PW_ENDS_WHOLE = (int(PW_LAST_OP == 65) | (int(PW_LAST_OP == 1) & int(PW_OP_BEFORE == 65))) != 0;

// The program's results as the bytes of a word, saturated; NaN is any number. A conversion to integers is slow on GPUs.
uint pw_bytes(bool is_signed, vec4 x) {
    vec4 inside = is_signed ? clamp(x, -128.0, 127.0) : clamp(x, 0.0, 255.0);
    uvec4 b = (PW_ENDS_WHOLE ? floatBitsToUint(inside + PW_WHOLE) : uvec4(ivec4(inside))) & 255u;
    return b.x | b.y << 8 | b.z << 16 | b.w << 24;
}
#endif

#define PW_SWITCH 0x70777377

vec4 pw_truth(bvec4 b) { return mix(vec4(0.0), vec4(1.0), b); }

// Numbers of PointwiseOp.
vec4 pw_apply(int op, vec4 a, vec4 b, vec4 c) {
    const vec4 zero = vec4(0.0);
    precise vec4 r = a; // a * b + c is rounded twice on every device
    switch (op) {
    case 1: r = a + b; break;
    case 2: r = a - b; break;
    case 3: r = a * b; break;
    case 4: r = pw_div(a, b); break;
    case 5: r = pw_max(a, b); break;
    case 6: r = pw_min(a, b); break;
    case 7: r = pw_pow(a, b); break;
    case 8: r = pw_floor_div(a, b); break;
    case 10: r = pw_truth(equal(a, b)); break;
    case 11: r = pw_truth(greaterThan(a, b)); break;
    case 12: r = pw_truth(lessThan(a, b)); break;
    case 13: r = pw_truth(notEqual(a, zero)) * pw_truth(notEqual(b, zero)); break;
    case 14: r = max(pw_truth(notEqual(a, zero)), pw_truth(notEqual(b, zero))); break;
    case 15: r = abs(pw_truth(notEqual(a, zero)) - pw_truth(notEqual(b, zero))); break;
    case 20: r = mix(a, zero, lessThan(a, zero)); break; // keeps NaN
    case 21: r = pw_sigmoid(a); break;
    case 22: r = pw_tanh(a); break;
    case 23: r = mix(b * pw_expm1(a), a, greaterThanEqual(a, zero)); break;
    case 24: r = a / (1.0 + abs(a)); break;
    case 25: r = pw_softplus(a); break;
    case 26: r = pw_gelu_erf(a); break;
    case 27: r = pw_gelu_tanh(a); break;
    case 30: r = exp(a); break;
    case 31: r = log(a); break;
    case 32: r = sqrt(a); break;
    case 33: r = 1.0 / a; break;
    case 34: r = abs(a); break;
    case 35: r = -a; break;
    case 36: r = pw_sin(a); break;
    case 37: r = pw_cos(a); break;
    case 38: r = pw_tan(a); break;
    case 39: r = pw_sinh(a); break;
    case 40: r = cosh(a); break;
    case 41: r = pw_asin(a); break;
    case 42: r = pw_acos(a); break;
    case 43: r = pw_atan(a); break;
    case 44: r = pw_asinh(a); break;
    case 45: r = acosh(a); break;
    case 46: r = pw_atanh(a); break;
    case 47: r = ceil(a); break;
    case 48: r = floor(a); break;
    case 49: r = pw_erf(a); break;
    case 50: r = pw_truth(equal(a, zero)); break;
    case 51: r = sign(a); break;
    case 52: r = pw_round_half_even(a); break;
    case 53: r = pw_truth(isinf(a)); break;
    case 54: r = pw_truth(isnan(a)); break;
    case 60: r = mix(b * a, a, greaterThanEqual(a, zero)); break;
    case 61: r = mix(zero, a, greaterThan(a, b)); break;
    case 62: r = mix(c, b, notEqual(a, zero)); break;
    case 63: r = trunc(a); break;
    case 64: r = pw_round_half(a); break;
#ifdef PW_QUANTIZES
    case 65: r = pw_quantize(a, b); break;
#endif
    case PW_SWITCH: break;
    }
    return r;
}

// A kernel may define where else immediates come from before it includes this.
#ifndef PW_IMMEDIATE
#define PW_IMMEDIATE(i, constant) intBitsToFloat(constant)
#endif
#define PW_ARGUMENT(arg) ((arg & 128) != 0 ? immediate : v[(arg & 64) != 0 ? 13 + (arg & 63) : arg])

const int PW_COUNT = int(PW_CODE0 != 0) + int(PW_CODE1 != 0) + int(PW_CODE2 != 0) + int(PW_CODE3 != 0) + int(PW_CODE4 != 0) +
                     int(PW_CODE5 != 0) + int(PW_CODE6 != 0) + int(PW_CODE7 != 0) + int(PW_CODE8 != 0) + int(PW_CODE9 != 0) +
                     int(PW_CODE10 != 0) + int(PW_CODE11 != 0);

vec4 pointwise(vec4 value, vec4 op0, vec4 op1, vec4 op2, vec4 op3) {
    const int codes[12] = int[](PW_CODE0, PW_CODE1, PW_CODE2, PW_CODE3, PW_CODE4, PW_CODE5,
                                 PW_CODE6, PW_CODE7, PW_CODE8, PW_CODE9, PW_CODE10, PW_CODE11);
    const int immediates[12] = int[](PW_IMM0, PW_IMM1, PW_IMM2, PW_IMM3, PW_IMM4, PW_IMM5,
                                 PW_IMM6, PW_IMM7, PW_IMM8, PW_IMM9, PW_IMM10, PW_IMM11);
    vec4 v[17]; // the value, the slots' results, the operands
    v[0] = value;
    v[13] = op0;
    v[14] = op1;
    v[15] = op2;
    v[16] = op3;
    vec4 r = value;
    [[unroll]] for (int i = 0; i < PW_COUNT; ++i) {
        int code = codes[i];
        vec4 immediate = vec4(PW_IMMEDIATE(i, immediates[i]));
        vec4 a = PW_ARGUMENT((code >> 8) & 255);
        vec4 b = PW_ARGUMENT((code >> 16) & 255);
        vec4 c = PW_ARGUMENT((code >> 24) & 255);
        r = pw_apply(code & 255, a, b, c);
        v[i + 1] = r;
    }
    return r;
}

float pointwise(float value, float op0, float op1, float op2, float op3) {
    return pointwise(vec4(value), vec4(op0), vec4(op1), vec4(op2), vec4(op3)).x;
}

#endif
