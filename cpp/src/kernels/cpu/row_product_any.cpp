#define TVK_ISA isa_any
#define TVK_LANES 4
#include "kernels/cpu/row_product_functions.inl"
