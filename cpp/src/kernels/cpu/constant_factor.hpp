// When a product of floats keeps a packed copy of its constant second factor: one rule for oneDNN's and our own, or a network's memory would depend on which of
// them won by a hair. Factors of 8 bits are packed always.
#pragma once

#include <cstdint>

namespace tensorvk::kernels::cpu {

//! `rows`: of all matrices that the factor multiplies; `stride`: elements between columns. Of many rows times few columns oneDNN reads a factor as it lies in
//! 4 to 10 % more time (with 3072 columns in half as much again), and packed a transformer's weights would be in memory twice.
[[nodiscard]] inline bool is_worth_packing(std::int64_t rows, std::int64_t columns, std::int64_t stride, std::int64_t bytes) {
    constexpr std::int64_t kManyRows = 64, kFewColumns = 1024, kLarge = 1 << 20;
    return stride != 1 || rows < kManyRows || columns > kFewColumns || bytes < kLarge;
}

} // namespace tensorvk::kernels::cpu
