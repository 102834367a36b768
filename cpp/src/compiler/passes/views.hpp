// Which parts of values can stay where they are.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir.hpp"

namespace tensorvk::compiler {

//! A value, and where its elements lie in the memory of a larger one.
struct ViewedValue {
    ValueId id;
    shape::Exprs strides; // empty: without gaps
};

//! What becomes of a part, of `dims` of `part`, that lies in a larger value `offset` elements behind its begin, with these strides along its axes: the part and what
//! reshapes make of it. Nothing where a reader cannot have it there.
[[nodiscard]] std::optional<std::vector<ViewedValue>> view_of(Ir& ir, const Uses& uses, ValueId part, shape::Expr offset, const shape::Exprs& strides);

} // namespace tensorvk::compiler
