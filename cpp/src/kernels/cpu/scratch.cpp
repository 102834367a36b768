#include "kernels/cpu/scratch.hpp"

#include <algorithm>
#include <utility>

namespace tensorvk::kernels::cpu {

namespace {

struct ThreadMemory {
    Numbers<std::byte> memory;
    std::size_t used = 0, wanted = 0; // `wanted`: the most that was ever used at once

    //! As large as was ever wanted, where there is so much; only while nobody uses it.
    void grow() {
        if (memory.size() >= wanted) return;
        const std::size_t size = std::exchange(wanted, 0);
        memory = {}; // before the new one is there
        memory = Numbers<std::byte>(size);
        wanted = size;
    }
};

thread_local ThreadMemory thread_memory;

} // namespace

Scratch::Scratch(std::size_t bytes) : bytes_(scratch_bytes<std::byte>(static_cast<std::int64_t>(bytes))) {
    ThreadMemory& of_thread = thread_memory;
    of_thread.wanted = std::max(of_thread.wanted, of_thread.used + bytes_);
    if (of_thread.used == 0) of_thread.grow();
    if (of_thread.memory.size() - of_thread.used < bytes_) {
        own_ = Numbers<std::byte>(bytes_);
        bytes_ = 0;
    }
    data_ = own_.size() > 0 ? own_.data() : of_thread.memory.data() + of_thread.used;
    of_thread.used += bytes_;
}

Scratch::~Scratch() { thread_memory.used -= bytes_; }

} // namespace tensorvk::kernels::cpu
