// The part of validation that looks at dispatches.
#pragma once

#include "plan/program.hpp"

namespace tensorvk::plan {

//! Ids in range, kernels with sane names, writes only where writing is allowed, groups ascending. Throws InvalidPlan.
void validate_steps(const Program& program);

} // namespace tensorvk::plan
