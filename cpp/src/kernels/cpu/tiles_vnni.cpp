#define TVK_ISA isa_vnni
#include "kernels/cpu/tiles_functions.inl"
