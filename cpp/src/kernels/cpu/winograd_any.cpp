#define TVK_ISA isa_any
#include "kernels/cpu/winograd_functions.inl"
