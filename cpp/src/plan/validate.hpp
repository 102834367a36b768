// Does a plan mean something? What passes here refers only to things that exist; sizes for shapes beyond the profiles
// are checked when set.
#pragma once

#include <cstdint>

#include "plan/program.hpp"

namespace tensorvk::plan {

inline constexpr std::size_t kMaxRank = 8;
inline constexpr std::size_t kMaxBindings = 32;
inline constexpr std::size_t kMaxNameLength = 1U << 16;

//! Throws InvalidPlan with the first thing that is wrong. `weights_size`: bytes of the weights section.
void validate(const Plan& plan, std::uint64_t weights_size);

//! One program alone; `profiles` give the shapes for which its expressions are tried.
void validate(const Program& program, const std::vector<Profile>& profiles, std::uint64_t weights_size);

//! Symbols' values for inputs of these shapes (one per input, -1: unknown). Unknown symbols give -1. Throws
//! InvalidArgument when two inputs give one symbol different values or a fixed dimension is contradicted.
[[nodiscard]] std::vector<std::int64_t> symbols_of(const Program& program,
                                                   const std::vector<std::vector<std::int64_t>>& inputs);

} // namespace tensorvk::plan
