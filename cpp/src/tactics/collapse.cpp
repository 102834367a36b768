#include "tactics/collapse.hpp"

#include <numeric>

namespace tensorvk::tactics {

namespace {

bool merges(shape::ExprPool& exprs, const StridedAxis& outer, const StridedAxis& inner) {
    for (std::size_t tensor = 0; tensor < outer.strides.size(); ++tensor) {
        if (outer.strides[tensor] != exprs.mul(inner.strides[tensor], inner.extent)) {
            return false;
        }
    }
    return true;
}

// The largest known divisor, within 2^20: more is never asked for.
std::int64_t known_divisor(const shape::ExprPool& exprs, shape::Expr e) {
    constexpr std::int64_t kMost = std::int64_t{1} << 20;
    const shape::ExprNode& node = exprs.node(e);
    switch (node.op) {
    case shape::ExprOp::kCONSTANT: return std::gcd(node.value, kMost);
    case shape::ExprOp::kMUL: return std::gcd(known_divisor(exprs, node.a) * known_divisor(exprs, node.b), kMost);
    case shape::ExprOp::kADD:
    case shape::ExprOp::kSUB:
    case shape::ExprOp::kMIN:
    case shape::ExprOp::kMAX: return std::gcd(known_divisor(exprs, node.a), known_divisor(exprs, node.b));
    default: return 1;
    }
}

} // namespace

std::vector<StridedAxis> collapse(shape::ExprPool& exprs, const std::vector<StridedAxis>& axes) {
    std::vector<StridedAxis> merged;
    for (const StridedAxis& axis : axes) {
        if (exprs.is(axis.extent, 1)) {
            continue;
        }
        if (!merged.empty() && merges(exprs, merged.back(), axis)) {
            merged.back().extent = exprs.mul(merged.back().extent, axis.extent);
            merged.back().strides = axis.strides;
        } else {
            merged.push_back(axis);
        }
    }
    if (merged.empty()) {
        const std::size_t tensors = axes.empty() ? 0 : axes.front().strides.size();
        merged.push_back({exprs.constant(1), shape::Exprs(tensors, exprs.constant(1))});
    }
    return merged;
}

bool is_multiple_of(const shape::ExprPool& exprs, shape::Expr e, std::int64_t factor) { return known_divisor(exprs, e) % factor == 0; }

} // namespace tensorvk::tactics
