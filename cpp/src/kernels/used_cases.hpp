// A shader's pointwise program is a switch over all operations (shaders/common/pointwise.glsl). A driver translates every case, in all functions
// that it calls, before it sees which of them the constants ask for, and that takes longer than all that is left.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/program.hpp"

namespace tensorvk::kernels {

//! The SPIR-V, whose switches over operations (those with the case PW_SWITCH) have only the cases of the program in `constants`. Blocks that
//! nothing branches to any more stay where they are: drivers pass them over.
[[nodiscard]] std::vector<std::uint32_t> keep_used_cases(std::span<const std::uint32_t> spirv, std::span<const plan::SpecConstant> constants);

} // namespace tensorvk::kernels
