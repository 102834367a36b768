// What the network assumes of dimensions, checked against real ones.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "plan/program.hpp"

namespace tensorvk::plan {

//! `values`: of all expressions, for the shapes in question. Throws InvalidArgument naming layer and extents.
void check_constraints(const Program& program, std::span<const std::int64_t> values);
//! Where some are not known yet: what depends on them is not checked.
void check_constraints(const Program& program, std::span<const std::optional<std::int64_t>> values);

} // namespace tensorvk::plan
