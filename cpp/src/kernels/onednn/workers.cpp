// The threads of OpenMP, which are oneDNN's.
#include "kernels/cpu/workers.hpp"

#include "kernels/onednn/catalogue.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tensorvk::kernels::cpu {

const Workers& openmp_workers() noexcept {
#ifdef _OPENMP
    static constexpr Workers kWorkers{
        []() noexcept { return omp_get_max_threads(); },
        [](int pieces, void (*work)(const void* data, int piece, int pieces) noexcept, const void* data) noexcept {
#pragma omp parallel num_threads(pieces)
            work(data, omp_get_thread_num(), omp_get_num_threads());
        },
    };
#else
    static constexpr Workers kWorkers{};
#endif
    return kWorkers;
}

} // namespace tensorvk::kernels::cpu
