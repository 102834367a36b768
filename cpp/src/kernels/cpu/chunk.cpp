#include "kernels/cpu/chunk.hpp"

namespace tensorvk::kernels::cpu {

#define TVK_CHUNKS(isa)                                                                                         \
    namespace isa {                                                                                             \
    void run_chunk(const ChunkTask<float>& task);                                                               \
    void run_chunk(const ChunkTask<std::int32_t>& task);                                                        \
    void run_chunk(const ChunkTask<std::int64_t>& task);                                                        \
    void load_chunk(Word type, const void* from, std::int64_t stride, int count, float* out);                   \
    void load_chunk(Word type, const void* from, std::int64_t stride, int count, std::int32_t* out);            \
    void load_chunk(Word type, const void* from, std::int64_t stride, int count, std::int64_t* out);            \
    }
TVK_CHUNKS(isa_avx512)
TVK_CHUNKS(isa_avx2)
TVK_CHUNKS(isa_any)

template <typename T>
const ChunkFunctions<T>& chunks() noexcept {
    static const ChunkFunctions<T> best = []() -> ChunkFunctions<T> {
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
            return {isa_avx512::run_chunk, isa_avx512::load_chunk};
        }
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {isa_avx2::run_chunk, isa_avx2::load_chunk};
#endif
        return {isa_any::run_chunk, isa_any::load_chunk};
    }();
    return best;
}

template const ChunkFunctions<float>& chunks<float>() noexcept;
template const ChunkFunctions<std::int32_t>& chunks<std::int32_t>() noexcept;
template const ChunkFunctions<std::int64_t>& chunks<std::int64_t>() noexcept;

} // namespace tensorvk::kernels::cpu
