#define TVK_ISA isa_avx512
#include "kernels/cpu/winograd_functions.inl"
