// From values to buffers of a program: what is only another view of the same bytes shares one buffer.
#pragma once

#include "compiler/ir.hpp"
#include "compiler/weights.hpp"
#include "plan/program.hpp"

namespace tensorvk::compiler {

//! Removes reshapes (they become aliases, or copies where two of the user's tensors would be one), gives every used value its buffer, and
//! fills the program's expressions, buffers and io.
[[nodiscard]] plan::Program assign_buffers(Ir& ir, WeightStore& weights);

} // namespace tensorvk::compiler
