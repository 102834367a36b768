// The family of matrix products.
#pragma once

#include <span>
#include <vector>

#include "tactics/family.hpp"

namespace tensorvk::tactics {

//! Candidates for an operation of kind MatrixProduct: "matrix/...".
[[nodiscard]] std::vector<Candidate> matrix_candidates(const Operation& operation, std::span<const Value> values,
                                                       const vulkan::DeviceCaps& caps, const shape::ExprPool& exprs);

} // namespace tensorvk::tactics
