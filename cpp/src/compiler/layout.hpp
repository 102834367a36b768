// Facts about layouts in memory.
#pragma once

#include "compiler/ir.hpp"

namespace tensorvk::compiler {

//! One channel or one pixel: row-major and channels last are the same bytes.
[[nodiscard]] bool same_in_both_layouts(const Ir& ir, const Value& value);

} // namespace tensorvk::compiler
