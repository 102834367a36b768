#include "kernels/cpu/catalogue.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr Kernel kKernels[] = {
    {"cpu/pointwise:f32", 1, prepare_pointwise},
#ifdef TENSORVK_ONEDNN
    {"cpu/convolution:f32", 1, prepare_convolution},
    {"cpu/convolution:transposed_f32", 1, prepare_deconvolution},
    {"cpu/matrix:f32", 1, prepare_matrix},
#endif
};

} // namespace

std::span<const Kernel> catalogue() noexcept { return kKernels; }

} // namespace tensorvk::kernels::cpu
