// The plan file: data only, no code. A header, a table of sections with a digest each, the sections; layout.hpp has the
// bytes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plan/program.hpp"

namespace tensorvk::plan {

//! Equal plans give equal bytes. Throws InternalError when the plan does not mean anything (see validate.hpp).
[[nodiscard]] std::vector<std::byte> write_plan(const Plan& plan);

struct StoredPlan {
    Plan plan;                          // its `weights` are empty:
    std::span<const std::byte> weights; // they stay where they are, in the bytes that were read
};

//! Reads, verifies and checks for meaning. Throws InvalidPlan with a sentence for anything that is not exactly what
//! write_plan() writes.
[[nodiscard]] StoredPlan read_plan(std::span<const std::byte> bytes);

} // namespace tensorvk::plan
