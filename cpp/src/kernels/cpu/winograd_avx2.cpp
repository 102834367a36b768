#define TVK_ISA isa_avx2
#include "kernels/cpu/winograd_functions.inl"
