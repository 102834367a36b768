// Fewer axes for kernels: neighbours that several tensors cross in one stride become one axis.
#pragma once

#include <cstdint>
#include <vector>

#include "shape/expr.hpp"

namespace tensorvk::tactics {

//! One axis that a kernel loops over, with the stride that each of its tensors makes along it (in elements).
struct StridedAxis {
    shape::Expr extent{};
    shape::Exprs strides;
};

//! Drops axes of extent 1 and merges neighbours (slowest first) where for every tensor the outer stride is the inner stride times the
//! inner extent, as far as that is known while building. Never empty: a scalar is one axis of extent 1.
[[nodiscard]] std::vector<StridedAxis> collapse(shape::ExprPool& exprs, const std::vector<StridedAxis>& axes);

//! True when the expression is a multiple of `factor` for all values of its symbols, as far as its form tells.
[[nodiscard]] bool is_multiple_of(const shape::ExprPool& exprs, shape::Expr e, std::int64_t factor);

} // namespace tensorvk::tactics
