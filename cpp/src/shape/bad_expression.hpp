// Thrown where an expression has no value: a division by zero, a number beyond 64 bits.
#pragma once

#include <string>

#include "shape/expr.hpp"
#include "support/error.hpp"

namespace tensorvk::shape {

class BadExpression : public InvalidArgument {
public:
    BadExpression(const std::string& message, Expr expr) : InvalidArgument(message), expr_(expr) {}
    //! For whoever knows which layer needs it.
    [[nodiscard]] Expr expr() const noexcept { return expr_; }

private:
    Expr expr_;
};

} // namespace tensorvk::shape
