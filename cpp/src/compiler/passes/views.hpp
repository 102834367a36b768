// Which parts of values can stay where they are.
#pragma once

#include <optional>
#include <span>
#include <string_view>
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

//! The values lie there from now on; what reads them says that `pass` has changed it.
void read_there(Ir& ir, const Uses& uses, std::span<const ViewedValue> values, std::string_view pass);

} // namespace tensorvk::compiler
