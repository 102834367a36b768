// What convolutions and matrix products do with a finished sum: the pointwise program with its operands (bindings 4 .. 7), and how those
// are indexed. cpp/src/tactics/epilogue.hpp writes the two constants:
//
//   G(0) types   bit 0: input, 1: output, 2: second factor, 4 + k: operand k is half
//   G(1) modes   8 bits per operand: bits 0 .. 4 the axes n, c, d, h, w along which it extends, 5: channels last,
//                6 .. 7: 1 = same elements in the same order as the output, 2 = one per channel, 3 = one, 0 = by the axes
#ifndef TENSORVK_EPILOGUE
#define TENSORVK_EPILOGUE

#include "common/pointwise.glsl"
#include "common/storage.glsl"

STORAGE(4, readonly, op0)
STORAGE(5, readonly, op1)
STORAGE(6, readonly, op2)
STORAGE(7, readonly, op3)

#define IN_HALF ((G(0) & 1) != 0)
#define OUT_HALF ((G(0) & 2) != 0)
#define FACTOR_HALF ((G(0) & 4) != 0)
#define OPERAND_HALF(k) ((G(0) & (16 << k)) != 0)

#define OPERAND_MODE(k) ((G(1) >> (8 * k)) & 255)
#define OPERAND_KIND(k) ((G(1) >> (8 * k + 6)) & 3)
#define KIND_SAME 1
#define KIND_CHANNEL 2

// Element `same` of the output, of channel `channel`. Kernels that use these refuse operands of kind 0.
#define OPERAND_INDEX(k, same, channel) \
    (OPERAND_KIND(k) == KIND_SAME ? (same) : OPERAND_KIND(k) == KIND_CHANNEL ? (channel) : 0)
#define OPERAND(k, same, channel) \
    (POINTWISE_USES_##k ? LOAD(op##k, OPERAND_HALF(k), OPERAND_INDEX(k, same, channel)) : 0.0)
float finish(float value, int same, int channel) {
    if (POINTWISE_EMPTY) return value;
    return pointwise(value, OPERAND(0, same, channel), OPERAND(1, same, channel), OPERAND(2, same, channel), OPERAND(3, same, channel));
}

// The same for four neighbouring channels; `same` and `channel` count elements and are multiples of 4.
#define OPERAND4(k, same, channel)                                                                                \
    (!POINTWISE_USES_##k ? vec4(0.0)                                                                                \
     : OPERAND_KIND(k) == KIND_SAME || OPERAND_KIND(k) == KIND_CHANNEL                                            \
         ? LOAD4(op##k, OPERAND_HALF(k), OPERAND_INDEX(k, same, channel) >> 2) : vec4(LOAD(op##k, OPERAND_HALF(k), 0)))
// What finish4() reads, for kernels that ask for it ahead of time.
struct Operands {
    vec4 a, b, c, d;
};
Operands load_operands(int same, int channel) {
    return Operands(OPERAND4(0, same, channel), OPERAND4(1, same, channel), OPERAND4(2, same, channel), OPERAND4(3, same, channel));
}
vec4 finish4(vec4 value, Operands operands) {
    return POINTWISE_EMPTY ? value : pointwise(value, operands.a, operands.b, operands.c, operands.d);
}
vec4 finish4(vec4 value, int same, int channel) {
    if (POINTWISE_EMPTY) return value;
    return pointwise(value, OPERAND4(0, same, channel), OPERAND4(1, same, channel), OPERAND4(2, same, channel), OPERAND4(3, same, channel));
}

#endif
