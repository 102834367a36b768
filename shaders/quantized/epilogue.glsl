// What kernels of quantized products do with a finished sum of integers: the bias, then, in float, the pointwise program (scales, residuals,
// rounding) with its operands of any type, then the store. cpp/src/tactics/quantized.hpp writes the constants:
//
//   G(0) types   4 bits each: output, input, weights, operands 0 .. 3 (numbers of common/words.glsl)
//   G(1) modes   of the operands, as in common/epilogue.glsl
//   G(15)        immediates come from `parameters` instead of constants: layers then share a pipeline, which CPU drivers compile slowly
#ifndef TENSORVK_QUANTIZED_EPILOGUE
#define TENSORVK_QUANTIZED_EPILOGUE

layout(set = 0, binding = 2) readonly buffer Parameters { int parameters[]; }; // immediates, then the bias of every channel
#define BIAS_AT 12
#define PW_IMMEDIATE(i, constant) intBitsToFloat(G(15) != 0 ? parameters[i] : (constant))

#define PW_QUANTIZES
#include "common/pointwise.glsl"
#include "common/words.glsl"

#define WORDS(slot, access, name)                                              \
    layout(set = 0, binding = slot) access buffer name##W { uint name[]; };    \
    layout(set = 0, binding = slot) access buffer name##W4 { uvec4 name##_4[]; };
WORDS(4, readonly, op0)
WORDS(5, readonly, op1)
WORDS(6, readonly, op2)
WORDS(7, readonly, op3)

#define TYPE_Y (G(0) & 15)
#define TYPE_X ((G(0) >> 4) & 15)
#define TYPE_W ((G(0) >> 8) & 15)
#define TYPE_OPERAND(k) ((G(0) >> (12 + 4 * k)) & 15)
#define OPERAND_MODE(k) ((G(1) >> (8 * k)) & 255)
#define OPERAND_KIND(k) ((G(1) >> (8 * k + 6)) & 3)
#define KIND_SAME 1
#define KIND_CHANNEL 2

#define ELEMENT(name, type, i) words_to_float(type, LOAD_WORDS(name, type, i))
#define STORES_SUMS (TYPE_Y == TYPE_I32 && POINTWISE_EMPTY) // as integers: a float would round them

// An 8-bit integer: element i of words.
#define LOAD_BYTE(words, type, i) \
    ((type) == TYPE_I8 ? bitfieldExtract(int(words[(i) >> 2]), 8 * ((i) & 3), 8) : int(bitfieldExtract(words[(i) >> 2], 8 * ((i) & 3), 8)))

ivec4 bytes_of(int type, uint word) {
    if (type == TYPE_I8) return ivec4(int(word) << 24, int(word) << 16, int(word) << 8, int(word)) >> 24;
    return ivec4(uvec4(word, word >> 8, word >> 16, word >> 24) & 255u);
}

#endif
