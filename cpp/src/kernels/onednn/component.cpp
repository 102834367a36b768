// The component's only door: its table of kernels.
#include "kernels/cpu/component.hpp"
#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/onednn.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr Kernel kKernels[] = {
    {"cpu/convolution:f32", 1, prepare_convolution},
    {"cpu/convolution:transposed_f32", 1, prepare_deconvolution},
    {"cpu/matrix:f32", 1, prepare_matrix},
};

} // namespace

extern "C" __attribute__((visibility("default"))) bool tensorvk_cpu_component(Component* out) noexcept {
    const dnnl_version_t* version = dnnl_version();
    out->kernels = kKernels;
    out->version = TENSORVK_VERSION;
    out->library = "oneDNN";
    out->library_version = {version->major, version->minor, version->patch};
    return true;
}

} // namespace tensorvk::kernels::cpu
