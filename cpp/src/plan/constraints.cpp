#include "plan/constraints.hpp"

#include "support/error.hpp"

namespace tensorvk::plan {

void check_constraints(const Program& program, std::span<const std::int64_t> values) {
    for (const Constraint& constraint : program.constraints) {
        const std::int64_t a = values[static_cast<std::size_t>(constraint.a.id)];
        const std::int64_t b = values[static_cast<std::size_t>(constraint.b.id)];
        if (a == b) {
            continue;
        }
        throw InvalidArgument(text("Layer '", constraint.layer, "' cannot work with these input shapes: it needs ",
                                   program.exprs.str(constraint.a), " and ", program.exprs.str(constraint.b),
                                   " to be equal; they are ", a, " and ", b, ". Set input shapes that agree."));
    }
}

} // namespace tensorvk::plan
