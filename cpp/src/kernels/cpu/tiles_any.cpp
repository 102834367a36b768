#define TVK_ISA isa_any
#include "kernels/cpu/tiles_functions.inl"
