// Work spread over the processor's cores. The threads are OpenMP's, since oneDNN's are: two pools would fight for the same cores.
#pragma once

#include <algorithm>
#include <cstdint>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tensorvk::kernels::cpu {

//! Calls work(first, last) for pieces of 0 .. count, each of at least `grain` but for the last, on as many threads as there are. `work`
//! throws nothing.
template <typename Work>
void spread(std::int64_t count, std::int64_t grain, Work work) {
    if (count <= 0) return;
#ifdef _OPENMP
    const std::int64_t pieces = std::min<std::int64_t>(omp_get_max_threads(), (count + grain - 1) / grain);
    if (pieces > 1) {
#pragma omp parallel num_threads(static_cast<int>(pieces))
        {
            const std::int64_t piece = omp_get_thread_num(), all = omp_get_num_threads();
            // Whole grains, so that no two threads write one cache line in the middle.
            const std::int64_t grains = (count + grain - 1) / grain;
            const std::int64_t first = grains * piece / all * grain, last = std::min(grains * (piece + 1) / all * grain, count);
            if (first < last) work(first, last);
        }
        return;
    }
#endif
    work(std::int64_t{0}, count);
}

} // namespace tensorvk::kernels::cpu
