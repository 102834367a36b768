// Layers that combine tensors element by element, with size-1 broadcasting between equal ranks.
#include <array>

#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

using shape::ExprOp;

bool is_logical(ElementWiseOperation op) {
    return op == ElementWiseOperation::kAND || op == ElementWiseOperation::kOR || op == ElementWiseOperation::kXOR;
}

bool is_comparison(ElementWiseOperation op) {
    return op == ElementWiseOperation::kEQUAL || op == ElementWiseOperation::kGREATER ||
           op == ElementWiseOperation::kLESS;
}

//! Division of integers rounds towards zero; the two roundings agree for what is not negative, which symbolic extents
//! are.
std::optional<Expr> divide(shape::ExprPool& pool, Expr a, Expr b) {
    const auto va = pool.value(a);
    const auto vb = pool.value(b);
    if (vb == 0) {
        return std::nullopt;
    }
    if (va && vb && *vb != -1) {
        return pool.constant(*va / *vb);
    }
    return pool.floor_div(a, b);
}

std::optional<Expr> combine(shape::ExprPool& pool, ElementWiseOperation op, Expr a, Expr b) {
    switch (op) {
        case ElementWiseOperation::kSUM:
            return pool.add(a, b);
        case ElementWiseOperation::kPROD:
        case ElementWiseOperation::kAND:
            return pool.mul(a, b);
        case ElementWiseOperation::kMAX:
        case ElementWiseOperation::kOR:
            return pool.max(a, b);
        case ElementWiseOperation::kMIN:
            return pool.min(a, b);
        case ElementWiseOperation::kSUB:
            return pool.sub(a, b);
        case ElementWiseOperation::kDIV:
            return divide(pool, a, b);
        case ElementWiseOperation::kFLOOR_DIV:
            return pool.is(b, 0) ? std::nullopt : std::optional(pool.floor_div(a, b));
        case ElementWiseOperation::kXOR:
            return pool.sub(pool.constant(1), pool.make(ExprOp::kEQUAL, a, b));
        case ElementWiseOperation::kEQUAL:
            return pool.make(ExprOp::kEQUAL, a, b);
        case ElementWiseOperation::kGREATER:
            return pool.make(ExprOp::kLESS, b, a);
        case ElementWiseOperation::kLESS:
            return pool.make(ExprOp::kLESS, a, b);
        case ElementWiseOperation::kPOW:
            return std::nullopt;
    }
    return std::nullopt;
}

} // namespace

std::vector<Inferred> elementwise(RuleContext& context) {
    const Tensor& a = context.input(0);
    const Tensor& b = context.input(1);
    const ElementWiseOperation op = context.attributes<ElementWiseAttributes>().op;
    context.require_same_type(a, b);
    const bool both_bool = a.dtype == DataType::kBOOL;
    if (is_logical(op) != both_bool && !(both_bool && op == ElementWiseOperation::kEQUAL)) {
        context.fail(is_logical(op) ? "computes a logical operation and needs bool inputs; '"
                                    : "cannot compute with bool inputs; '",
                     a.name, "' is ", dtype_name(a.dtype), ", so insert a Cast before it.");
    }
    shape::Exprs dims = context.broadcast(a, b);
    const std::array<const Tensor*, 2> operands{&a, &b};
    auto values = map_values(context.pool(), dims, operands,
                             [&](std::span<const Expr> v) { return combine(context.pool(), op, v[0], v[1]); });
    return {{is_comparison(op) ? DataType::kBOOL : a.dtype, std::move(dims), std::move(values)}};
}

std::vector<Inferred> select(RuleContext& context) {
    const Tensor& condition = context.input(0);
    const Tensor& yes = context.input(1);
    const Tensor& no = context.input(2);
    if (condition.dtype != DataType::kBOOL) {
        context.fail("needs a bool condition; '", condition.name, "' is ", dtype_name(condition.dtype), ".");
    }
    context.require_same_type(yes, no);
    Tensor branches;
    branches.name = text(yes.name, "' or '", no.name);
    branches.dims = context.broadcast(yes, no);
    shape::Exprs dims = context.broadcast(condition, branches);
    shape::ExprPool& pool = context.pool();
    const std::array<const Tensor*, 3> operands{&condition, &yes, &no};
    auto values = map_values(pool, dims, operands, [&](std::span<const Expr> v) -> std::optional<Expr> {
        if (v[1] == v[2]) {
            return v[1];
        }
        if (const auto known = pool.value(v[0])) {
            return *known != 0 ? v[1] : v[2];
        }
        return pool.add(pool.mul(v[0], v[1]), pool.mul(pool.sub(pool.constant(1), v[0]), v[2]));
    });
    return {{yes.dtype, std::move(dims), std::move(values)}};
}

} // namespace tensorvk::graph::rules
