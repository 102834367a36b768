// What kernels that only move data move at a time, whatever the elements are: -DBYTES<n>.
#ifndef TENSORVK_UNIT
#define TENSORVK_UNIT

#if defined(BYTES1)
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

#endif
