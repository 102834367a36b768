// Dimensions that the network assumes to agree, checked against real ones.
#pragma once

#include <cstdint>
#include <span>

#include "plan/program.hpp"

namespace tensorvk::plan {

//! `values`: of all expressions, for the shapes in question. Throws InvalidArgument naming layer and both extents.
void check_constraints(const Program& program, std::span<const std::int64_t> values);

} // namespace tensorvk::plan
