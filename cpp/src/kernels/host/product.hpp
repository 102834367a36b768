// Shapes of matrix products.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

//! numpy's matmul: [..., M, K] x [..., K, N]; a vector is a row on the left and a column on the right.
struct Product {
    std::vector<std::int64_t> a, b;   // with vectors made matrices
    std::vector<std::int64_t> output; // [..., M, N]
    std::vector<std::int64_t> result; // output without the axes of vectors
    std::int64_t rows = 0, inner = 0, columns = 0;
};
[[nodiscard]] Product read_product(const Call& call, const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b);

} // namespace tensorvk::kernels::host
