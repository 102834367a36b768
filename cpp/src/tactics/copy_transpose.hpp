// copy/transpose: a copy whose source runs along another axis than its target, in blocks of 4 x 4 elements.
#pragma once

#include <string>

#include "tactics/copy_plan.hpp"
#include "tactics/families.hpp"

namespace tensorvk::tactics {

//! `plan` is the query's copy in elements, made of expressions in `exprs`; `refusal`: why no copy kernel can do it, or empty.
[[nodiscard]] Candidate transpose_candidate(const Query& query, const shape::ExprPool& exprs, const CopyPlan& plan, std::string refusal);

} // namespace tensorvk::tactics
