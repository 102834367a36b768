// A pointwise program (cpp/src/kernels/pointwise_program.hpp) in specialization constants: the driver folds the switch, what is left is
// the chain's own arithmetic. Used by the pointwise kernels and as the epilogue of others:
//
//   vec4  pointwise(vec4 value, vec4 op0, vec4 op1, vec4 op2, vec4 op3)     also for float
//   POINTWISE_USES_<k>    does the program read operand k? A constant: guard the load with it
//   POINTWISE_EMPTY       no program: pointwise() returns the value
//
// The whole switch is in the shader once per call: call it inside a loop over results instead of once per result.
#ifndef TENSORVK_POINTWISE
#define TENSORVK_POINTWISE

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

vec4 pw_truth(bvec4 b) { return mix(vec4(0.0), vec4(1.0), b); }

// Numbers of PointwiseOp.
vec4 pw_apply(int op, vec4 a, vec4 b, vec4 c) {
    const vec4 zero = vec4(0.0);
    switch (op) {
    case 1: return a + b;
    case 2: return a - b;
    case 3: return a * b;
    case 4: return a / b;
    case 5: return pw_max(a, b);
    case 6: return pw_min(a, b);
    case 7: return pw_pow(a, b);
    case 8: return pw_floor_div(a, b);
    case 10: return pw_truth(equal(a, b));
    case 11: return pw_truth(greaterThan(a, b));
    case 12: return pw_truth(lessThan(a, b));
    case 13: return pw_truth(notEqual(a, zero)) * pw_truth(notEqual(b, zero));
    case 14: return max(pw_truth(notEqual(a, zero)), pw_truth(notEqual(b, zero)));
    case 15: return abs(pw_truth(notEqual(a, zero)) - pw_truth(notEqual(b, zero)));
    case 20: return mix(a, zero, lessThan(a, zero)); // keeps NaN
    case 21: return pw_sigmoid(a);
    case 22: return pw_tanh(a);
    case 23: return mix(b * (exp(a) - 1.0), a, greaterThanEqual(a, zero));
    case 24: return a / (1.0 + abs(a));
    case 25: return pw_softplus(a);
    case 26: return pw_gelu_erf(a);
    case 27: return pw_gelu_tanh(a);
    case 30: return exp(a);
    case 31: return log(a);
    case 32: return sqrt(a);
    case 33: return 1.0 / a;
    case 34: return abs(a);
    case 35: return -a;
    case 36: return sin(a);
    case 37: return cos(a);
    case 38: return tan(a);
    case 39: return sinh(a);
    case 40: return cosh(a);
    case 41: return asin(a);
    case 42: return acos(a);
    case 43: return atan(a);
    case 44: return pw_asinh(a);
    case 45: return acosh(a);
    case 46: return atanh(a);
    case 47: return ceil(a);
    case 48: return floor(a);
    case 49: return pw_erf(a);
    case 50: return pw_truth(equal(a, zero));
    case 51: return sign(a);
    case 52: return pw_round_half_even(a);
    case 53: return pw_truth(isinf(a));
    case 54: return pw_truth(isnan(a));
    case 60: return mix(b * a, a, greaterThanEqual(a, zero));
    case 61: return mix(zero, a, greaterThan(a, b));
    case 62: return mix(c, b, notEqual(a, zero));
    case 63: return trunc(a);
    default: return a;
    }
}

vec4 pw_operand(int index, vec4 op0, vec4 op1, vec4 op2, vec4 op3) {
    return index == 0 ? op0 : index == 1 ? op1 : index == 2 ? op2 : op3;
}

#define PW_ARG(code, shift, imm) \
    (((code >> (shift + 6)) & 3) == 0 ? v[(code >> shift) & 63] : \
     ((code >> (shift + 6)) & 3) == 1 ? pw_operand((code >> shift) & 63, op0, op1, op2, op3) : vec4(intBitsToFloat(imm)))
#define PW_SLOT(i, code, imm) \
    if (code == 0) return v[i]; \
    v[i + 1] = pw_apply(code & 255, PW_ARG(code, 8, imm), PW_ARG(code, 16, imm), PW_ARG(code, 24, imm));

vec4 pointwise(vec4 value, vec4 op0, vec4 op1, vec4 op2, vec4 op3) {
    vec4 v[13];
    v[0] = value;
    PW_SLOT(0, PW_CODE0, PW_IMM0)
    PW_SLOT(1, PW_CODE1, PW_IMM1)
    PW_SLOT(2, PW_CODE2, PW_IMM2)
    PW_SLOT(3, PW_CODE3, PW_IMM3)
    PW_SLOT(4, PW_CODE4, PW_IMM4)
    PW_SLOT(5, PW_CODE5, PW_IMM5)
    PW_SLOT(6, PW_CODE6, PW_IMM6)
    PW_SLOT(7, PW_CODE7, PW_IMM7)
    PW_SLOT(8, PW_CODE8, PW_IMM8)
    PW_SLOT(9, PW_CODE9, PW_IMM9)
    PW_SLOT(10, PW_CODE10, PW_IMM10)
    PW_SLOT(11, PW_CODE11, PW_IMM11)
    return v[12];
}

float pointwise(float value, float op0, float op1, float op2, float op3) {
    return pointwise(vec4(value), vec4(op0), vec4(op1), vec4(op2), vec4(op3)).x;
}

#endif
