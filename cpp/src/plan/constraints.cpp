#include "plan/constraints.hpp"

#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

template <typename Number>
void check(const Program& program, std::span<const Number> values) {
    const auto number = [&](shape::Expr e) -> std::optional<std::int64_t> {
        return e.valid() ? values[static_cast<std::size_t>(e.id)] : std::optional<std::int64_t>();
    };
    for (const Constraint& constraint : program.constraints) {
        const auto a = number(constraint.a);
        const auto b = number(constraint.b);
        if (a && *a < 0 && !constraint.b.valid()) {
            throw InvalidArgument(text("Layer '", constraint.layer, "' has the extent ", *a, "; extents must not be negative."));
        }
        if (a && b && *a != *b) {
            throw InvalidArgument(text("Layer '", constraint.layer, "' cannot work with these shapes: it needs ",
                                       program.exprs.str(constraint.a), " and ", program.exprs.str(constraint.b),
                                       " to be equal; they are ", *a, " and ", *b, ". Set input shapes that agree."));
        }
    }
}

} // namespace

void check_constraints(const Program& program, std::span<const std::int64_t> values) {
    check(program, values);
}

void check_constraints(const Program& program, std::span<const std::optional<std::int64_t>> values) {
    check(program, values);
}

} // namespace tensorvk::plan
