// The functions of OpenMP's runtime that oneDNN calls, on our threads. The dynamic linker asks this library before those that it needs, so
// oneDNN and our kernels share one pool, whose size is ours to choose. (GCC's own runtime keeps threads for each thread that ever called it,
// and lets all of them sleep at every barrier once there are more of them than cores: three times slower.) In a process whose global scope has
// OpenMP already, oneDNN uses that one: correct, with threads of its own.
// Names and signatures: GCC's libgomp ABI, https://gcc.gnu.org/onlinedocs/libgomp/The-libgomp-ABI.html
#include "kernels/cpu/workers.hpp"

using tensorvk::kernels::cpu::workers;

#define TENSORVK_EXPORTED extern "C" __attribute__((visibility("default")))

TENSORVK_EXPORTED void GOMP_parallel(void (*work)(void*), void* data, unsigned threads, unsigned /*flags*/) {
    workers().run(threads == 0 ? workers().threads() : static_cast<int>(threads), work, data);
}
TENSORVK_EXPORTED void GOMP_barrier() { workers().barrier(); }
TENSORVK_EXPORTED int omp_get_max_threads() { return workers().threads(); }
TENSORVK_EXPORTED int omp_get_num_threads() { return workers().team(); }
TENSORVK_EXPORTED int omp_get_thread_num() { return workers().number(); }
TENSORVK_EXPORTED int omp_in_parallel() { return workers().team() > 1 ? 1 : 0; }
