// Barrier groups: an operation starts as soon as everything it reads is written; what does not depend on each other shares a group.
#pragma once

#include <span>

#include "plan/program.hpp"

namespace tensorvk::compiler {

//! Steps [first, last) of the program belong to one operation; their `group` counts from 0 inside the operation.
struct StepRange {
    std::size_t first = 0;
    std::size_t last = 0;
    float microseconds = 0.0f; // that it takes, as far as is known
};

//! Numbers the groups of the whole program by data flow and orders the steps by group. Of a group, which ends with its longest step, the longest comes first: short
//! ones run beside it, while it would have to wait for processors that have begun with them.
void schedule(plan::Program& program, std::span<const StepRange> operations);

} // namespace tensorvk::compiler
