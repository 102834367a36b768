// Operations on rows (reduce, softmax, top-k) as strides: what shaders/common/rows.glsl loops over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tactics/collapse.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

struct RowPlan {
    static constexpr std::size_t kMostAxes = 4;

    std::vector<StridedAxis> kept;    // slowest first in the output; strides[0]: input, strides[1]: output
    std::vector<StridedAxis> reduced; // strides[0]: input

    [[nodiscard]] shape::Expr rows(shape::ExprPool& exprs) const;
    [[nodiscard]] shape::Expr length(shape::ExprPool& exprs) const;
    //! Why the kernels cannot loop over this, or empty.
    [[nodiscard]] std::string refusal() const;
    //! Four neighbouring rows lie side by side in input and output.
    [[nodiscard]] bool rows_in_fours(const shape::ExprPool& exprs) const;
};

//! Rows of `x` along the axes set in `reduced`. The output has these axes too (with whatever extent), or lacks them.
[[nodiscard]] RowPlan plan_rows(shape::ExprPool& exprs, const Value& x, const Value& y, std::uint32_t reduced);

//! How rows are given to invocations.
enum class RowShape {
    kLANE,      // one row per invocation
    kFOUR,      // four neighbouring rows per invocation
    kWORKGROUP, // one row per workgroup
};

//! "", "vec4_" or "shared_": the begin of the variant's name.
[[nodiscard]] std::string variant_prefix(RowShape rows);

//! Workgroup size, grid, parameters 0 .. 19 and constants 0 .. 2.
void add_rows(StepBuilder& step, shape::ExprPool& exprs, const RowPlan& plan, RowShape rows);

//! How a kernel loops over its row: so often, with so many elements in a round (MANY_ROUNDS in the shader).
struct RowLoops { std::int64_t passes = 1, bodies = 1; };

//! Why this shape does not suit, or empty.
[[nodiscard]] std::string refuse_row_shape(const RowPlan& plan, RowShape rows, RowLoops loops, shape::ExprPool& exprs, const vulkan::DeviceCaps& caps);

} // namespace tensorvk::tactics
