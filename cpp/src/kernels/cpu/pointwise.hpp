// A chain of element-wise operations over whole tensors.
#pragma once

#include <vector>

#include "kernels/cpu/kernel.hpp"

namespace tensorvk::kernels::cpu {

struct PointwiseTensor {
    const float* data = nullptr;
    std::vector<std::int64_t> strides; // along the task's axes, in elements; 0 where it repeats
};

struct PointwiseTask {
    PointwiseProgram program;
    std::vector<std::int64_t> extents; // of the output, in memory order, slowest first
    std::vector<PointwiseTensor> tensors; // the program's own value, then its operands
    float* out = nullptr;              // dense; may be one of the tensors
};

[[nodiscard]] Run pointwise_run(PointwiseTask task);

} // namespace tensorvk::kernels::cpu
