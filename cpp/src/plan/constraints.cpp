#include "plan/constraints.hpp"

#include <set>

#include "shape/bad_expression.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

// Both in the network's terms, where these are short enough to help.
std::string meaning(const Program& program, const Constraint& constraint) {
    constexpr std::size_t kReadable = 80;
    const std::string a = program.exprs.str(constraint.a);
    const std::string b = program.exprs.str(constraint.b);
    return a.size() + b.size() > kReadable ? std::string() : text(", computed as ", a, " and ", b);
}

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
            throw InvalidArgument(text("Layer '", constraint.layer, "' cannot work with these shapes: it needs two extents to be equal; they are ", *a,
                                       " and ", *b, meaning(program, constraint), ". Set input shapes that agree."));
        }
    }
}

bool depends(const shape::ExprPool& pool, shape::Expr root, shape::Expr part) {
    std::set<shape::Expr> seen;
    std::vector<shape::Expr> open{root};
    while (!open.empty()) {
        const shape::Expr e = open.back();
        open.pop_back();
        if (e == part) {
            return true;
        }
        if (e > part && seen.insert(e).second) { // operands stand in front of what is made of them
            open.insert(open.end(), {pool.node(e).a, pool.node(e).b});
        }
    }
    return false;
}

template <typename Evaluate>
auto evaluate_and_check(const Program& program, const Evaluate& evaluate) {
    try {
        auto values = evaluate();
        check(program, std::span<const typename decltype(values)::value_type>(values));
        return values;
    } catch (const shape::BadExpression& error) {
        for (const Constraint& constraint : program.constraints) {
            if (depends(program.exprs, constraint.a, error.expr()) || depends(program.exprs, constraint.b, error.expr())) {
                throw InvalidArgument(text("Layer '", constraint.layer, "' cannot work with these shapes: ", error.what()));
            }
        }
        throw;
    }
}

} // namespace

std::vector<std::int64_t> evaluate(const Program& program, std::span<const std::int64_t> symbols) {
    return evaluate_and_check(program, [&] { return program.exprs.evaluate(symbols); });
}

std::vector<std::optional<std::int64_t>> evaluate(const Program& program, std::span<const std::optional<std::int64_t>> symbols) {
    return evaluate_and_check(program, [&] { return program.exprs.evaluate_known(symbols); });
}

} // namespace tensorvk::plan
