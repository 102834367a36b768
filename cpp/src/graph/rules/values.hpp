// Arithmetic with the symbolic values of shape tensors: small integer tensors whose elements are expressions.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "graph/rules.hpp"

namespace tensorvk::graph::rules {

using shape::Expr;
using shape::Exprs;

//! Whether values of this type are tracked.
[[nodiscard]] bool is_shape_type(DataType type) noexcept;

//! The dims as numbers when all are known and the volume is at most kMaxShapeValues.
[[nodiscard]] std::optional<std::vector<std::int64_t>> small_extents(const shape::ExprPool& pool, const Exprs& dims);
//! All expressions as numbers, or nothing.
[[nodiscard]] std::optional<std::vector<std::int64_t>> numbers(const shape::ExprPool& pool, const Exprs& values);
[[nodiscard]] Exprs constants(shape::ExprPool& pool, std::span<const std::int64_t> values);

//! out[i] = f(a[i'], b[i'], ...) with numpy broadcasting of `operands` (all with values and equal rank) to `dims`;
//! nothing when unknown.
[[nodiscard]] std::optional<Exprs> map_values(const shape::ExprPool& pool, const Exprs& dims,
                                              std::span<const Tensor* const> operands,
                                              const std::function<std::optional<Expr>(std::span<const Expr>)>& f);

//! Elements of row-major `values` with extents `dims`, picked for each index of `out_dims`: source index = start +
//! stride * index per axis of the source `axis_of[o]`. The caller guarantees that all indices exist.
[[nodiscard]] Exprs pick(const Exprs& values, std::span<const std::int64_t> dims,
                         std::span<const std::int64_t> out_dims, std::span<const std::size_t> axis_of,
                         std::span<const std::int64_t> start, std::span<const std::int64_t> stride);

//! Extents of input `index` as values, or the attribute's numbers; nothing when both are absent. Fails when the values
//! are not known.
[[nodiscard]] std::optional<Exprs> shape_argument(RuleContext& context, std::size_t index,
                                                  std::span<const std::int64_t> attribute, const char* what);

} // namespace tensorvk::graph::rules
