// The component's only door: its table of kernels.
#include <vector>

#include "kernels/cpu/component.hpp"
#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/onednn.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

//! oneDNN's errors in our words.
template <Prepare prepare>
Run guarded(const Launch& launch) {
    try {
        return prepare(launch);
    } catch (const dnnl::error& error) {
        if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
        throw Unsupported(text("Layer '", launch.layer(), "' cannot run on the host: oneDNN says '", error.message,
                               "'. Build the plan without the tactic source HOST, or with TENSORVK_DISABLE=host_kernels."));
    }
}

constexpr Kernel kKernels[] = {
    {"cpu/convolution:f32", 1, guarded<prepare_convolution>, true},
    {"cpu/convolution:transposed_f32", 1, guarded<prepare_deconvolution>, true},
    {"cpu/matrix:f32", 1, guarded<prepare_matrix>, true},
};
constexpr Kernel kIntegers[] = {
    {"cpu/quantized_convolution:forward", 2, guarded<prepare_quantized_convolution>, true},
    {"cpu/quantized_convolution:transposed", 2, guarded<prepare_quantized_deconvolution>, true},
    {"cpu/quantized_matrix:int8", 1, guarded<prepare_quantized_matrix>, true},
};
constexpr Kernel kBfloats[] = {
    {"cpu/convolution:bf16", 1, guarded<prepare_convolution_bf16>, true},
    {"cpu/convolution:transposed_bf16", 1, guarded<prepare_deconvolution_bf16>, true},
    {"cpu/matrix:bf16", 1, guarded<prepare_matrix_bf16>, true},
};

//! Without instructions for it oneDNN adds two products in 16 bits, which saturate: another result than ours.
bool exact_integers() {
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
    return isa == dnnl::cpu_isa::avx512_core_vnni || isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx ||
           isa == dnnl::cpu_isa::avx2_vnni;
}

//! oneDNN can do without instructions for it, but then float32 is faster.
bool quick_bfloats() {
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
    return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
}

const std::vector<Kernel>& kernels_here() {
    static const auto* all = [] { // kernels may run while the process ends
        auto* made = new std::vector<Kernel>(std::begin(kKernels), std::end(kKernels));
        if (exact_integers()) made->insert(made->end(), std::begin(kIntegers), std::end(kIntegers));
        if (quick_bfloats()) made->insert(made->end(), std::begin(kBfloats), std::end(kBfloats));
        return made;
    }();
    return *all;
}

} // namespace

extern "C" __attribute__((visibility("default"))) bool tensorvk_cpu_component(const Workers& workers, Component* out) noexcept {
    const dnnl_version_t* version = dnnl_version();
    out->kernels = kernels_here();
    use_workers(workers);
    out->version = TENSORVK_VERSION;
    out->library = "oneDNN";
    out->library_version = {version->major, version->minor, version->patch};
    return true;
}

} // namespace tensorvk::kernels::cpu
