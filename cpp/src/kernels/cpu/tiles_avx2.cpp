#define TVK_ISA isa_avx2
#include "kernels/cpu/tiles_functions.inl"
