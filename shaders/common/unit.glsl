// What kernels that only move data move at a time, whatever the elements are: -DBYTES<n>. With -DPACKED elements of 1 or 2 bytes are parts of words, for devices
// that store none: a store changes its own bits of the word and no others.
//
//   layout(binding = 0) readonly buffer Source { STORED source[]; };
//   layout(binding = 1) TARGET buffer Target { STORED target[]; };
//   UNIT value = LOAD_UNIT(source, i);  STORE_UNIT(target, i, value)
#ifndef TENSORVK_UNIT
#define TENSORVK_UNIT

#if defined(PACKED)
#define UNIT uint
#elif defined(BYTES1)
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#define UNIT uint8_t
#elif defined(BYTES2)
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
#define UNIT uint16_t
#elif defined(BYTES4)
#define UNIT uint
#elif defined(BYTES8)
#define UNIT uvec2
#else
#define UNIT uvec4
#endif

#define STORED UNIT
#ifdef PACKED
#define TARGET
#ifdef BYTES1
#define UNIT_BITS 8
#define UNIT_WORD(i) ((i) >> 2)
#define UNIT_SHIFT(i) (8 * ((i) & 3))
#else
#define UNIT_BITS 16
#define UNIT_WORD(i) ((i) >> 1)
#define UNIT_SHIFT(i) (16 * ((i) & 1))
#endif
#define LOAD_UNIT(name, i) bitfieldExtract(name[UNIT_WORD(i)], UNIT_SHIFT(i), UNIT_BITS)
#define STORE_UNIT(name, i, value)                                                               \
    {                                                                                            \
        atomicAnd(name[UNIT_WORD(i)], ~(((1u << UNIT_BITS) - 1u) << UNIT_SHIFT(i)));             \
        atomicOr(name[UNIT_WORD(i)], bitfieldExtract(value, 0, UNIT_BITS) << UNIT_SHIFT(i));     \
    }
#else
#define TARGET writeonly
#define LOAD_UNIT(name, i) name[i]
#define STORE_UNIT(name, i, value) name[i] = value;
#endif

#endif
