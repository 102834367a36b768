#include "kernels/cpu/tiles.hpp"

#include "kernels/cpu/isa.hpp"

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
