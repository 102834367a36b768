#define TVK_ISA isa_any
#include "kernels/cpu/chunk_functions.inl"
