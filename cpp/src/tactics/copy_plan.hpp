// A Copy as strides: what the copy kernels loop over.
#pragma once

#include <string>
#include <vector>

#include "tactics/collapse.hpp"
#include "tactics/operation.hpp"

namespace tensorvk::tactics {

//! Axis of a plan along which the source position start + step * c may lie outside 0 .. limit - 1.
struct CopyBound {
    std::size_t axis = 0;
    shape::Expr start{}, step{}, limit{};
};

struct CopyPlan {
    std::vector<StridedAxis> axes; // slowest first; strides[0]: source, strides[1]: target
    shape::Expr source_base{}, target_base{};
    std::vector<CopyBound> bounds;
    std::string refusal; // not empty: this copy cannot be written so

    [[nodiscard]] shape::Expr count(shape::ExprPool& exprs) const;
};

inline constexpr std::size_t kSource = 0;
inline constexpr std::size_t kTarget = 1;

//! In units of one element.
[[nodiscard]] CopyPlan plan_copy(shape::ExprPool& exprs, const Copy& copy, const Value& source, const Value& target);

//! True when `factor` neighbouring elements of source and target always move together.
[[nodiscard]] bool moves_in_units(const shape::ExprPool& exprs, const CopyPlan& plan, std::int64_t factor);

//! The same copy in units of `factor` elements.
[[nodiscard]] CopyPlan in_units(shape::ExprPool& exprs, CopyPlan plan, std::int64_t factor);

} // namespace tensorvk::tactics
