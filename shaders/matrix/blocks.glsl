// Second factors whose numbers have 4 or 8 bits, in blocks along the depth that share a scale and a zero point: number = (code - zero point) * scale.
// How they lie in one buffer: cpp/src/kernels/blocks.hpp. The including shader defines BLOCKS_BINDING, BLOCK_DEPTH and BLOCK_COLUMNS.
//
// Codes become floats without a conversion, which some devices do at a quarter of the speed of sums: the bits of a code are put into the mantissa of 2^23
// where they are. Of four codes the second to the fourth are so multiplied by PLACES; their offset, 2^23 and the zero point there, is subtracted exactly,
// and 1 / PLACES multiplies sums or scales, exactly as well.
#ifndef TENSORVK_MATRIX_BLOCKS
#define TENSORVK_MATRIX_BLOCKS

layout(set = 0, binding = BLOCKS_BINDING) readonly buffer Units { uvec4 units[]; };
layout(set = 0, binding = BLOCKS_BINDING) readonly buffer Words { uint words[]; };

const int BITS = G(10) == 8 ? 8 : 4;
#define BLOCK (G(11) > 0 ? G(11) : BLOCK_DEPTH) // of the depth, a multiple of 16 or all of it
#define SAME_ZERO G(12)                         // of all blocks; negative: each has its own
#define HALF_SCALES (G(13) != 0)

const int UNIT = 128 / BITS; // neighbours along the depth in 16 bytes
const int EIGHTS = UNIT / 8;
#define BLOCK_UNITS ((BLOCK_DEPTH + UNIT - 1) / UNIT)
#define BLOCK_COUNT ((BLOCK_DEPTH + BLOCK - 1) / BLOCK)
#define BLOCK_STRIDE ((BLOCK_COLUMNS + 3) / 4 * 4) // columns and their padding
#define FIRST_SCALE (4 * BLOCK_UNITS * BLOCK_STRIDE)
#define FIRST_ZERO (FIRST_SCALE + BLOCK_COUNT * BLOCK_STRIDE / (HALF_SCALES ? 2 : 1))

// Made of whole numbers, since a choice of vectors is none that a pipeline makes right everywhere.
const int SECOND = BITS == 8 ? 256 : 16;
const int THIRD = BITS == 8 ? 1 : 256;
const int FOURTH = BITS == 8 ? 256 : 4096;
#define PLACES vec4(1.0, float(SECOND), float(THIRD), float(FOURTH))
#define OUT_OF_PLACE vec4(1.0, 1.0 / float(SECOND), 1.0 / float(THIRD), 1.0 / float(FOURTH))

float scale_of(int block, int column) {
    int at = block * BLOCK_STRIDE + column;
    if (!HALF_SCALES) return uintBitsToFloat(words[FIRST_SCALE + at]);
    vec2 pair = unpackHalf2x16(words[FIRST_SCALE + (at >> 1)]);
    return (at & 1) == 0 ? pair.x : pair.y;
}

int zero_of(int block, int column) {
    int at = block * BLOCK_STRIDE + column;
    return SAME_ZERO >= 0 ? SAME_ZERO : int(bitfieldExtract(words[FIRST_ZERO + (at >> 2)], 8 * (at & 3), 8));
}

vec4 offset_of(int zero) { return fma(vec4(float(zero)), PLACES, vec4(8388608.0)); }

// Four codes, in their places and with the offset of zero point 0: the lowest bits of the word, all of it where they have 8 bits.
vec4 four_codes(uint word) {
    uvec4 masked = BITS == 8 ? uvec4(word, word, word >> 16, word >> 16) & uvec4(0xffu, 0xff00u, 0xffu, 0xff00u) : uvec4(word) & uvec4(0xfu, 0xf0u, 0xf00u, 0xf000u);
    return uintBitsToFloat(masked | uvec4(0x4b000000u));
}

// The word whose lowest bits are the unit's i-th four codes.
uint four_of(uvec4 unit, int i) { return BITS == 8 ? unit[i] : unit[i >> 1] >> (16 * (i & 1)); }

// The eight codes from k on, a multiple of eight.
uvec2 eight_at(int k, int column) {
    int at = 4 * (k / UNIT * BLOCK_STRIDE + column) + k % UNIT * BITS / 32;
    return BITS == 8 ? uvec2(words[at], words[at + 1]) : uvec2(words[at], words[at] >> 16);
}

#endif
