#define TVK_ISA isa_avx2
#define TVK_LANES 8
#include "kernels/cpu/row_product_functions.inl"
