#include "kernels/cpu/row_product.hpp"

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
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        return isa_avx512::row_product;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return isa_avx2::row_product;
#endif
    return isa_any::row_product;
}

} // namespace tensorvk::kernels::cpu
