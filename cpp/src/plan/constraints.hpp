// What the network assumes of dimensions, checked against real ones.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "plan/program.hpp"

namespace tensorvk::plan {

//! The values of all expressions, checked. Throws InvalidArgument naming layer and extents.
[[nodiscard]] std::vector<std::int64_t> evaluate(const Program& program, std::span<const std::int64_t> symbols);
//! Where some are not known yet: what depends on them is neither known nor checked.
[[nodiscard]] std::vector<std::optional<std::int64_t>> evaluate(const Program& program, std::span<const std::optional<std::int64_t>> symbols);

} // namespace tensorvk::plan
