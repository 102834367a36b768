// Dimensions in readable form.
#pragma once

#include <string>

#include "shape/expr.hpp"

namespace tensorvk::graph {

//! "[batch, 3, (height // 2)]"; an expression of more than a few parts is shown as "...".
[[nodiscard]] std::string describe(const shape::ExprPool& pool, const shape::Exprs& dims);

} // namespace tensorvk::graph
