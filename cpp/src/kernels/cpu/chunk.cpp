#include "kernels/cpu/chunk.hpp"

#include "kernels/cpu/isa.hpp"

namespace tensorvk::kernels::cpu {

std::size_t slots_before_bounds(const PointwiseProgram& program, Word type) {
    return is_byte(type) ? kernels::slots_before_bounds(program, type == Word::kI8 ? -128.0f : 0.0f) : program.slots.size();
}

#define TVK_CHUNKS(isa)                                                                                         \
    namespace isa {                                                                                             \
    void run_chunk(const ChunkTask<float>& task);                                                               \
    void run_chunk(const ChunkTask<std::int32_t>& task);                                                        \
    void run_chunk(const ChunkTask<std::int64_t>& task);                                                        \
    void load_chunk(Word type, const void* from, std::int64_t stride, int count, float* out);                   \
    void load_chunk(Word type, const void* from, std::int64_t stride, int count, std::int32_t* out);            \
    void load_chunk(Word type, const void* from, std::int64_t stride, int count, std::int64_t* out);            \
    void softmax_rows(const SoftmaxTask& task);                                                                 \
    }
TVK_CHUNKS(isa_avx512)
TVK_CHUNKS(isa_avx2)
TVK_CHUNKS(isa_any)

template <typename T>
const ChunkFunctions<T>& chunks() noexcept {
    static const ChunkFunctions<T> best = []() -> ChunkFunctions<T> {
        switch (best_isa()) {
        case Isa::kVNNI:
        case Isa::kAVX512: return {isa_avx512::run_chunk, isa_avx512::load_chunk};
        case Isa::kAVX2: return {isa_avx2::run_chunk, isa_avx2::load_chunk};
        case Isa::kANY: break;
        }
        return {isa_any::run_chunk, isa_any::load_chunk};
    }();
    return best;
}

SoftmaxFunction softmax_of_rows() noexcept {
    static const SoftmaxFunction best = [] {
        const Isa isa = best_isa();
        return isa >= Isa::kAVX512 ? isa_avx512::softmax_rows : isa == Isa::kAVX2 ? isa_avx2::softmax_rows : isa_any::softmax_rows;
    }();
    return best;
}

template const ChunkFunctions<float>& chunks<float>() noexcept;
template const ChunkFunctions<std::int32_t>& chunks<std::int32_t>() noexcept;
template const ChunkFunctions<std::int64_t>& chunks<std::int64_t>() noexcept;

} // namespace tensorvk::kernels::cpu
