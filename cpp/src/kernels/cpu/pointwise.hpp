// A chain of element-wise operations over whole tensors.
#pragma once

#include <vector>

#include "kernels/cpu/chunk.hpp"
#include "kernels/cpu/kernel.hpp"

namespace tensorvk::kernels::cpu {

struct PointwiseTensor {
    const void* data = nullptr;
    std::vector<std::int64_t> strides; // along the task's axes, in elements; 0 where it repeats
    Word type = Word::kF32;
};

//! What a program is computed in: float, or the integers that must not be rounded.
enum class Arithmetic : std::int32_t { kFLOAT = 0, kINT = 1, kLONG = 2 };

struct PointwiseTask {
    PointwiseProgram program;
    std::vector<std::int64_t> extents; // of the output, in memory order, slowest first
    std::vector<PointwiseTensor> tensors; // the program's own value, then its operands
    void* out = nullptr;               // dense; may be one of the tensors
    Word out_type = Word::kF32;
    Arithmetic arithmetic = Arithmetic::kFLOAT;
};

[[nodiscard]] Run pointwise_run(PointwiseTask task);

} // namespace tensorvk::kernels::cpu
