// How long the loops of one invocation may be.
#pragma once

#include <cstdint>
#include <string>

#include "shape/expr.hpp"
#include "support/error.hpp"
#include "vulkan/device_plan.hpp"

namespace tensorvk::tactics {

//! Mesa's driver for CPUs (lavapipe) ends the loops of an invocation after 65535 rounds, all loops together, and says nothing: what is left is
//! a wrong number. MANY_ROUNDS in shaders/common/interface.glsl makes rounds few.
inline constexpr std::int64_t kMostRounds = 65000;
//! Bodies in a round of the generic products: more of them cost a driver more time to compile.
inline constexpr std::int64_t kProductBodies = 8;

//! Rounds of a loop over `count` with so many bodies in a round; the rest goes one by one.
[[nodiscard]] constexpr std::int64_t rounds_of(std::int64_t count, std::int64_t bodies) { return count / bodies + count % bodies; }

//! Of a number that the shapes tell, the largest that the optimization profiles allow; 0 where nobody said.
[[nodiscard]] inline std::int64_t most_of(const shape::ExprPool& exprs, shape::Expr e) { return exprs.at_most(e).value_or(0); }

//! Why a kernel whose invocations loop this often is not for this device, or empty.
[[nodiscard]] inline std::string refuse_rounds(const vulkan::DeviceCaps& caps, std::int64_t rounds) {
    if (!caps.is_cpu || rounds <= kMostRounds) return {};
    return text("one invocation would loop ", rounds, " times, this driver ends loops after ", kMostRounds);
}

} // namespace tensorvk::tactics
