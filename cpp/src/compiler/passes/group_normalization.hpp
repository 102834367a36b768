// What normalisations of groups of channels share with those of rows.
#pragma once

#include "compiler/passes/fusion.hpp"

namespace tensorvk::compiler {

//! Floats of the output's own shape, along that axis of it, or one number.
[[nodiscard]] bool extends_along(const Ir& ir, ValueId id, const shape::Exprs& out, std::size_t axis);

//! Normalisations of what a reshape cut into groups become those of the channels it was made of, with the pointwise operation behind.
void widen_groups(Ir& ir);

} // namespace tensorvk::compiler
