// Where the elements of a value lie in memory, as expressions.
#pragma once

#include <cstdint>
#include <vector>

#include "shape/expr.hpp"
#include "tactics/operation.hpp"

namespace tensorvk::tactics {

//! Logical axes from the slowest to the fastest in memory.
[[nodiscard]] std::vector<std::size_t> memory_order(Layout layout, std::size_t rank);

//! Element strides of the logical axes of dense memory in that layout.
[[nodiscard]] shape::Exprs memory_strides(shape::ExprPool& exprs, const shape::Exprs& dims, Layout layout);
[[nodiscard]] shape::Exprs memory_strides(shape::ExprPool& exprs, const Value& value);

//! Whether runs of `count` elements that lie together begin at multiples of that: what has gaps may have them elsewhere.
[[nodiscard]] bool keeps_units(const shape::ExprPool& exprs, const Value& value, std::int64_t count);
//! Whether all rows, of the last axis, follow one another at one distance.
[[nodiscard]] bool has_even_rows(shape::ExprPool& exprs, const Value& value);
//! Whether the channels of a pixel lie side by side, and all pixels of a picture at one distance.
[[nodiscard]] bool has_even_pixels(shape::ExprPool& exprs, const Value& value);

//! One channel or one pixel: row-major and channels-last memory are the same.
[[nodiscard]] bool same_in_both_layouts(const shape::ExprPool& exprs, const Value& value);
//! Whether elements lie in memory in the logical order.
[[nodiscard]] bool lies_in_rows(const shape::ExprPool& exprs, const Value& value);

[[nodiscard]] shape::Expr element_count(shape::ExprPool& exprs, const Value& value);

} // namespace tensorvk::tactics
