#define TVK_ISA isa_avx512
#include "kernels/cpu/tiles_functions.inl"
