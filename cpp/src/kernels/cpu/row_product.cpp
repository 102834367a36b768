#include "kernels/cpu/row_product.hpp"

#include "kernels/cpu/isa.hpp"

namespace tensorvk::kernels::cpu {

namespace isa_avx512 {
void row_product(const RowProductTask& task, std::int64_t first, std::int64_t last);
}
namespace isa_avx2 {
void row_product(const RowProductTask& task, std::int64_t first, std::int64_t last);
}
namespace isa_any {
void row_product(const RowProductTask& task, std::int64_t first, std::int64_t last);
}

RowProduct row_product() noexcept {
    const Isa isa = best_isa();
    return isa >= Isa::kAVX512 ? isa_avx512::row_product : isa == Isa::kAVX2 ? isa_avx2::row_product : isa_any::row_product;
}

} // namespace tensorvk::kernels::cpu
