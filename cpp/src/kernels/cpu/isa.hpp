// The instruction sets that loops are compiled for, and the best of them that this processor has.
#pragma once

namespace tensorvk::kernels::cpu {

enum class Isa { kANY, kAVX2, kAVX512, kVNNI };

[[nodiscard]] inline Isa best_isa() noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        return __builtin_cpu_supports("avx512vnni") ? Isa::kVNNI : Isa::kAVX512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::kAVX2;
#endif
    return Isa::kANY;
}

} // namespace tensorvk::kernels::cpu
