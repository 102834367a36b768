#include "kernels/cpu/winograd.hpp"

#include "kernels/cpu/isa.hpp"

namespace tensorvk::kernels::cpu {

namespace isa_avx512 {
extern const Winograd kWinograd;
}
namespace isa_avx2 {
extern const Winograd kWinograd;
}
namespace isa_any {
extern const Winograd kWinograd;
}

const Winograd& winograd() noexcept {
    static const Isa isa = best_isa();
    return isa >= Isa::kAVX512 ? isa_avx512::kWinograd : isa == Isa::kAVX2 ? isa_avx2::kWinograd : isa_any::kWinograd;
}

} // namespace tensorvk::kernels::cpu
