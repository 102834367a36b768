#include "kernels/cpu/tiles.hpp"

namespace tensorvk::kernels::cpu {

#define TVK_TILES(isa)                            \
    namespace isa {                               \
    extern const Tiles<Floats> kFloatTiles;       \
    extern const Tiles<Integers> kIntegerTiles;   \
    }
TVK_TILES(isa_vnni)
TVK_TILES(isa_avx512)
TVK_TILES(isa_avx2)
TVK_TILES(isa_any)

namespace {

enum class Isa { kANY, kAVX2, kAVX512, kVNNI };

Isa best_isa() noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
        return __builtin_cpu_supports("avx512vnni") ? Isa::kVNNI : Isa::kAVX512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::kAVX2;
#endif
    return Isa::kANY;
}

const Isa kIsa = best_isa();

} // namespace

template <>
const Tiles<Floats>& tiles<Floats>() noexcept {
    return kIsa >= Isa::kAVX512 ? isa_avx512::kFloatTiles : kIsa == Isa::kAVX2 ? isa_avx2::kFloatTiles : isa_any::kFloatTiles;
}
template <>
const Tiles<Integers>& tiles<Integers>() noexcept {
    switch (kIsa) {
    case Isa::kVNNI: return isa_vnni::kIntegerTiles;
    case Isa::kAVX512: return isa_avx512::kIntegerTiles;
    case Isa::kAVX2: return isa_avx2::kIntegerTiles;
    case Isa::kANY: break;
    }
    return isa_any::kIntegerTiles;
}

} // namespace tensorvk::kernels::cpu
