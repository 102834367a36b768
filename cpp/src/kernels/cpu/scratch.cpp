#include "kernels/cpu/scratch.hpp"

namespace tensorvk::kernels::cpu {

std::byte* scratch_of_thread(std::size_t bytes) {
    static thread_local Numbers<std::byte> memory;
    if (memory.size() < bytes) {
        memory = {}; // before the new one is there
        memory = Numbers<std::byte>(bytes);
    }
    return memory.data();
}

} // namespace tensorvk::kernels::cpu
