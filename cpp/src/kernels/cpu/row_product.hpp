// A few rows times a matrix that is packed once: what recurrent layers and single rows need, where a library's product costs more to call than
// to compute. Compiled once for each instruction set; row_product() is the best that this processor has.
#pragma once

#include <cstdint>

namespace tensorvk::kernels::cpu {

//! Columns that lie together: panel p holds columns 64 p .. 64 p + 63 of row after row, the last one filled up with zeros.
inline constexpr std::int64_t kPanel = 64;
//! Columns are computed in groups of so many: y has room for whole groups.
inline constexpr std::int64_t kColumns = 16;

[[nodiscard]] constexpr std::int64_t panels_of(std::int64_t columns) noexcept { return (columns + kPanel - 1) / kPanel; }
[[nodiscard]] constexpr std::int64_t padded(std::int64_t columns) noexcept { return (columns + kColumns - 1) / kColumns * kColumns; }

//! y[r] = start + x[r] * weights.
struct RowProductTask {
    const float* const* x = nullptr; // each of k numbers
    float* const* y = nullptr;       // each of n numbers
    std::int64_t rows = 0, k = 0;
    std::int64_t n = 0;              // whole groups
    const float* weights = nullptr;  // packed
    const float* start = nullptr;    // n numbers; null: what y holds
};

//! Computes the panels first .. last - 1.
using RowProduct = void (*)(const RowProductTask& task, std::int64_t first, std::int64_t last);
[[nodiscard]] RowProduct row_product() noexcept;

} // namespace tensorvk::kernels::cpu
