// A pointwise program on a few hundred numbers at a time: what stays in the first cache while slot after slot passes over it. Compiled once
// for each instruction set; chunk() is the best that this processor has.
#pragma once

#include <cstdint>

#include "kernels/pointwise_program.hpp"

namespace tensorvk::kernels::cpu {

inline constexpr int kChunk = 512; // numbers

//! Memory for one thread: the slots' results, and what operands are unpacked to.
struct alignas(64) ChunkMemory {
    float results[PointwiseProgram::kMaxSlots][kChunk];
    float operands[PointwiseProgram::kMaxOperands + 1][kChunk];
    float immediate[kChunk];
};

struct ChunkTask {
    const PointwiseSlot* slots = nullptr;
    int slot_count = 0;                                        // at least 1
    int count = 0;                                             // numbers, at most kChunk
    const float* value = nullptr;                              // the kernel's own value
    const float* operands[PointwiseProgram::kMaxOperands] = {}; // null where the program does not read it
    float* out = nullptr;                                      // may be the value or an operand
    ChunkMemory* memory = nullptr;
};

using ChunkFunction = void (*)(const ChunkTask& task);

[[nodiscard]] ChunkFunction chunk() noexcept;

} // namespace tensorvk::kernels::cpu
