#include "kernels/cpu/chunk.hpp"

namespace tensorvk::kernels::cpu {

namespace isa_avx512 { void run_chunk(const ChunkTask& task); }
namespace isa_avx2 { void run_chunk(const ChunkTask& task); }
namespace isa_any { void run_chunk(const ChunkTask& task); }

ChunkFunction chunk() noexcept {
    static const ChunkFunction best = [] {
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
            return &isa_avx512::run_chunk;
        }
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &isa_avx2::run_chunk;
#endif
        return &isa_any::run_chunk;
    }();
    return best;
}

} // namespace tensorvk::kernels::cpu
