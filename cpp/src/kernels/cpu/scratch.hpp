// Memory that a step needs while it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tensorvk::kernels::cpu {

inline constexpr std::size_t kScratchAlignment = 64;

//! Numbers aligned for vectors, not initialized.
template <typename T>
class Numbers {
public:
    Numbers() = default;
    explicit Numbers(std::size_t count)
        : memory_(static_cast<T*>(::operator new[](count * sizeof(T), std::align_val_t{kScratchAlignment}))), count_(count) {}

    [[nodiscard]] T* data() const noexcept { return memory_.get(); }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

private:
    struct Free {
        void operator()(T* memory) const { ::operator delete[](memory, std::align_val_t{kScratchAlignment}); }
    };
    std::unique_ptr<T, Free> memory_;
    std::size_t count_ = 0;
};

//! What `count` numbers take where others follow.
template <typename T>
[[nodiscard]] constexpr std::size_t scratch_bytes(std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    return (bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

//! Memory of the calling thread until the end of the scope. It is kept for the next step, as much as the largest of them needed at once: scopes
//! within scopes get what is left, or memory of their own the first time.
class Scratch {
public:
    explicit Scratch(std::size_t bytes);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    template <typename T = std::byte>
    [[nodiscard]] T* data() const noexcept {
        return reinterpret_cast<T*>(data_);
    }

private:
    std::size_t bytes_;
    Numbers<std::byte> own_; // where the thread's do not suffice
    std::byte* data_;
};

} // namespace tensorvk::kernels::cpu
