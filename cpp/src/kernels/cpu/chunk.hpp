// A pointwise program on a few hundred numbers at a time: what stays in the first cache while slot after slot passes over it. Compiled once
// for each instruction set; chunks() is the best that this processor has.
#pragma once

#include <cstdint>

#include "kernels/pointwise_program.hpp"

namespace tensorvk::kernels::cpu {

inline constexpr int kChunk = 512; // numbers

//! Element types in memory, with the numbers of shaders/common/words.glsl.
enum class Word : std::uint8_t { kF32 = 0, kF16, kBF16, kI32, kI64, kU8, kI8, kBOOL };
inline constexpr int kWordTypes = 8;

[[nodiscard]] constexpr std::int64_t bytes_of(Word type) noexcept {
    return type == Word::kI64 ? 8 : type >= Word::kU8 ? 1 : type == Word::kF16 || type == Word::kBF16 ? 2 : 4;
}

[[nodiscard]] constexpr bool is_byte(Word type) noexcept { return type == Word::kU8 || type == Word::kI8; }

//! How many slots compute: those behind them only bound what storing as `type` bounds anyway.
[[nodiscard]] std::size_t slots_before_bounds(const PointwiseProgram& program, Word type);

//! Memory for one thread: the slots' results, and what operands are unpacked to. T is what is computed in: float, std::int32_t or std::int64_t.
template <typename T>
struct alignas(64) ChunkMemory {
    T results[PointwiseProgram::kMaxSlots][kChunk];
    T operands[PointwiseProgram::kMaxOperands + 1][kChunk];
    T immediate[kChunk];
};

template <typename T>
struct ChunkTask {
    const PointwiseSlot* slots = nullptr;
    int slot_count = 0;                                    // at least 1
    int count = 0;                                         // numbers, at most kChunk
    const T* value = nullptr;                              // the kernel's own value
    const T* operands[PointwiseProgram::kMaxOperands] = {}; // null where the program does not read it
    void* out = nullptr;                                   // may be the value or an operand
    Word out_type = Word::kF32;
    ChunkMemory<T>* memory = nullptr;
};

//! One way to compute: in floating point, or exactly in integers (which wrap; division by zero gives 0).
template <typename T>
struct ChunkFunctions {
    void (*run)(const ChunkTask<T>& task) = nullptr;
    //! `count` elements of that type, each `stride` elements from the one before, as numbers.
    void (*load)(Word type, const void* from, std::int64_t stride, int count, T* out) = nullptr;
};

template <typename T>
[[nodiscard]] const ChunkFunctions<T>& chunks() noexcept;

//! exp(x - max) / sum of that, or its logarithm, of rows that lie one after the other.
struct SoftmaxTask {
    Word in_type = Word::kF32, out_type = Word::kF32;
    const void* x = nullptr;
    void* y = nullptr;
    std::int64_t rows = 0;
    std::int64_t length = 0;
    bool log = false;
};
using SoftmaxFunction = void (*)(const SoftmaxTask& task);
[[nodiscard]] SoftmaxFunction softmax_of_rows() noexcept;

} // namespace tensorvk::kernels::cpu
