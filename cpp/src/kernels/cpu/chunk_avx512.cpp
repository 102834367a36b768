#define TVK_ISA isa_avx512
#include "kernels/cpu/chunk_functions.inl"
