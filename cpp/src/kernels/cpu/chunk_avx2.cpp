#define TVK_ISA isa_avx2
#include "kernels/cpu/chunk_functions.inl"
