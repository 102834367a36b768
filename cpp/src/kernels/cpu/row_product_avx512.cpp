#define TVK_ISA isa_avx512
#define TVK_LANES 16
#include "kernels/cpu/row_product_functions.inl"
