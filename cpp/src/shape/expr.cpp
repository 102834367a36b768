#include "shape/expr.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "shape/bad_expression.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::shape {

namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    if (b == 0 || (b == -1 && a == INT64_MIN)) {
        throw InvalidArgument(text("A dimension is computed as ", a, " divided by ", b, "; check the shapes that are reshaped or sliced, and that no step is 0."));
    }
    const std::int64_t quotient = a / b;
    return quotient - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

bool commutes(ExprOp op) {
    return op == ExprOp::kADD || op == ExprOp::kMUL || op == ExprOp::kMIN || op == ExprOp::kMAX || op == ExprOp::kEQUAL;
}

const char* sign_of(ExprOp op) {
    switch (op) {
    case ExprOp::kADD: return " + ";
    case ExprOp::kSUB: return " - ";
    case ExprOp::kMUL: return " * ";
    case ExprOp::kFLOOR_DIV: return " // ";
    case ExprOp::kCEIL_DIV: return " /^ ";
    case ExprOp::kMOD: return " % ";
    case ExprOp::kMIN: return " min ";
    case ExprOp::kMAX: return " max ";
    case ExprOp::kEQUAL: return " == ";
    case ExprOp::kLESS: return " < ";
    case ExprOp::kCONSTANT:
    case ExprOp::kSYMBOL: break;
    }
    return " ? ";
}

// What went wrong, with the expression in which it did.
std::int64_t apply(const ExprPool& pool, Expr e, std::int64_t a, std::int64_t b) {
    try {
        return shape::apply(pool.node(e).op, a, b);
    } catch (const InvalidArgument& error) {
        throw BadExpression(text(error.what(), " The expression is ", pool.str(e), "."), e);
    }
}

} // namespace

std::int64_t apply(ExprOp op, std::int64_t a, std::int64_t b) {
    switch (op) {
    case ExprOp::kADD: return checked_add(a, b);
    case ExprOp::kSUB: return checked_add(a, checked_mul(b, -1));
    case ExprOp::kMUL: return checked_mul(a, b);
    case ExprOp::kFLOOR_DIV: return floor_div(a, b);
    case ExprOp::kCEIL_DIV: return checked_mul(floor_div(checked_mul(a, -1), b), -1);
    case ExprOp::kMOD: return a - floor_div(a, b) * b;
    case ExprOp::kMIN: return std::min(a, b);
    case ExprOp::kMAX: return std::max(a, b);
    case ExprOp::kEQUAL: return a == b ? 1 : 0;
    case ExprOp::kLESS: return a < b ? 1 : 0;
    case ExprOp::kCONSTANT:
    case ExprOp::kSYMBOL: break;
    }
    throw InternalError("A leaf expression was asked to compute something.");
}

Expr ExprPool::intern(const ExprNode& node) {
    const auto [it, inserted] = index_.try_emplace(node, static_cast<std::int32_t>(nodes_.size()));
    if (inserted) {
        nodes_.push_back(node);
    }
    return Expr{it->second};
}

Expr ExprPool::constant(std::int64_t value) { return intern({ExprOp::kCONSTANT, value, {}, {}}); }

Expr ExprPool::symbol(std::string name) {
    symbols_.push_back(std::move(name));
    return intern({ExprOp::kSYMBOL, static_cast<std::int64_t>(symbols_.size()) - 1, {}, {}});
}

Expr ExprPool::make(ExprOp op, Expr a, Expr b) {
    const auto va = value(a);
    const auto vb = value(b);
    if (va && vb) {
        return constant(apply(op, *va, *vb));
    }
    if (commutes(op) && va) { // constants to the right, so that equal sums have equal ids
        return make(op, b, a);
    }
    if (commutes(op) && !vb && b < a) {
        std::swap(a, b);
    }
    const bool by_zero = vb == 0;
    const bool by_one = vb == 1;
    if ((by_zero && (op == ExprOp::kADD || op == ExprOp::kSUB)) ||
        (by_one && (op == ExprOp::kMUL || op == ExprOp::kFLOOR_DIV || op == ExprOp::kCEIL_DIV))) {
        return a;
    }
    if ((by_zero && op == ExprOp::kMUL) || (by_one && op == ExprOp::kMOD)) {
        return constant(0);
    }
    if (a == b) {
        switch (op) {
        case ExprOp::kSUB:
        case ExprOp::kLESS: return constant(0);
        case ExprOp::kEQUAL: return constant(1);
        case ExprOp::kMIN:
        case ExprOp::kMAX: return a;
        default: break;
        }
    }
    if (const auto distance = op == ExprOp::kSUB ? known_distance(a, b) : std::nullopt) {
        return constant(*distance);
    }
    const ExprNode left = node(a); // a copy: intern below may move the nodes
    const bool chain = vb && (op == ExprOp::kADD || op == ExprOp::kSUB || op == ExprOp::kMUL);
    if (chain && op == ExprOp::kSUB) { // x - c is x + (-c), so that chains fold
        return make(ExprOp::kADD, a, constant(checked_mul(*vb, -1)));
    }
    if (chain && left.op == op && value(left.b)) { // (x + c) + d is x + (c + d)
        return make(op, left.a, constant(apply(op, *value(left.b), *vb)));
    }
    if (vb && *vb > 0 && op == ExprOp::kFLOOR_DIV && left.op == ExprOp::kMUL && value(left.b) && *value(left.b) % *vb == 0) {
        return make(ExprOp::kMUL, left.a, constant(*value(left.b) / *vb)); // (x * 6) // 3 is x * 2
    }
    if (op == ExprOp::kFLOOR_DIV && left.op == ExprOp::kMUL && (left.b == b || left.a == b)) { // (x * y) // y; y is a dimension, so not 0
        return left.b == b ? left.a : left.b;
    }
    return intern({op, 0, a, b});
}

std::optional<std::int64_t> ExprPool::known_distance(Expr a, Expr b) const {
    const auto split = [&](Expr e) { // x + c; others have their constants on the right too, see make()
        const ExprNode& n = node(e);
        const auto c = n.op == ExprOp::kADD ? value(n.b) : std::nullopt;
        return c ? std::pair(n.a, *c) : std::pair(e, std::int64_t{0});
    };
    const auto [x, c] = split(a);
    const auto [y, d] = split(b);
    return x == y ? std::optional(apply(ExprOp::kSUB, c, d)) : std::nullopt;
}

Expr ExprPool::product(std::span<const Expr> factors) {
    Expr out = constant(1);
    for (const Expr factor : factors) {
        out = mul(out, factor);
    }
    return out;
}

const ExprNode& ExprPool::node(Expr e) const {
    if (!e.valid() || static_cast<std::size_t>(e.id) >= nodes_.size()) {
        throw InternalError(text("Expression ", e.id, " is not one of the ", nodes_.size(), " of this pool."));
    }
    return nodes_[static_cast<std::size_t>(e.id)];
}

std::optional<std::int64_t> ExprPool::value(Expr e) const {
    const ExprNode& n = node(e);
    return n.op == ExprOp::kCONSTANT ? std::optional(n.value) : std::nullopt;
}

std::string ExprPool::str(Expr e) const {
    // Parts that expressions share are written each time, so the full form of a small pool may exceed any memory.
    constexpr std::size_t kLongest = 200;
    std::string out;
    const std::function<void(Expr)> write = [&](Expr part) {
        const ExprNode& n = node(part);
        if (out.size() > kLongest) {
            return;
        }
        if (n.op == ExprOp::kCONSTANT) {
            out += std::to_string(n.value);
        } else if (n.op == ExprOp::kSYMBOL) {
            out += symbols_[static_cast<std::size_t>(n.value)];
        } else {
            out += '(';
            write(n.a);
            out += sign_of(n.op);
            write(n.b);
            out += ')';
        }
    };
    write(e);
    return out.size() > kLongest ? out.substr(0, kLongest) + "..." : out;
}

std::vector<std::int64_t> ExprPool::evaluate(std::span<const std::int64_t> symbols) const {
    if (symbols.size() != symbols_.size()) {
        throw InternalError(text(symbols.size(), " values were given for ", symbols_.size(), " symbolic dimensions."));
    }
    std::vector<std::int64_t> values(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const ExprNode& n = nodes_[i];
        switch (n.op) {
        case ExprOp::kCONSTANT: values[i] = n.value; break;
        case ExprOp::kSYMBOL: values[i] = symbols[static_cast<std::size_t>(n.value)]; break;
        default:
            values[i] = apply(*this, Expr{static_cast<std::int32_t>(i)}, values[static_cast<std::size_t>(n.a.id)],
                              values[static_cast<std::size_t>(n.b.id)]);
        }
    }
    return values;
}

std::vector<std::optional<std::int64_t>> ExprPool::evaluate_known(std::span<const std::optional<std::int64_t>> symbols) const {
    if (symbols.size() != symbols_.size()) {
        throw InternalError(text(symbols.size(), " values were given for ", symbols_.size(), " symbolic dimensions."));
    }
    std::vector<std::optional<std::int64_t>> values(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const ExprNode& n = nodes_[i];
        if (n.op == ExprOp::kCONSTANT) {
            values[i] = n.value;
        } else if (n.op == ExprOp::kSYMBOL) {
            values[i] = symbols[static_cast<std::size_t>(n.value)];
        } else if (const auto a = values[static_cast<std::size_t>(n.a.id)], b = values[static_cast<std::size_t>(n.b.id)]; a && b) {
            values[i] = apply(*this, Expr{static_cast<std::int32_t>(i)}, *a, *b);
        }
    }
    return values;
}

void ExprPool::bound(std::int64_t symbol, std::int64_t most) {
    std::int64_t& bound = bounds_.try_emplace(symbol, most).first->second;
    bound = std::max(bound, most);
}

//! Of numbers that are not negative, given the most that each can be: what is taken away, or divided by, may be as small as it gets.
std::int64_t ExprPool::most(const ExprNode& n, std::int64_t a, std::int64_t b) const {
    const bool known = node(n.b).op == ExprOp::kCONSTANT;
    switch (n.op) {
    case ExprOp::kSUB: return known ? apply(n.op, a, b) : a;
    case ExprOp::kFLOOR_DIV:
    case ExprOp::kCEIL_DIV: return known ? apply(n.op, a, b) : a;
    case ExprOp::kMOD: return std::min(a, b - 1);
    default: return apply(n.op, a, b);
    }
}

std::optional<std::int64_t> ExprPool::at_most(Expr e) const {
    std::map<Expr, std::int64_t> values; // operands have smaller ids than what is made of them
    std::vector<Expr> open{e};
    while (!open.empty()) {
        const Expr next = open.back();
        open.pop_back();
        const ExprNode& n = node(next);
        const auto bound = n.op == ExprOp::kSYMBOL ? bounds_.find(n.value) : bounds_.end();
        if (n.op == ExprOp::kSYMBOL && bound == bounds_.end()) return std::nullopt;
        if (!values.try_emplace(next, n.op == ExprOp::kSYMBOL ? bound->second : n.value).second || n.op == ExprOp::kSYMBOL || n.op == ExprOp::kCONSTANT) continue;
        open.insert(open.end(), {n.a, n.b});
    }
    for (auto& [id, result] : values) {
        const ExprNode& n = node(id);
        if (n.op == ExprOp::kCONSTANT || n.op == ExprOp::kSYMBOL) continue;
        try {
            result = most(n, values.at(n.a), values.at(n.b));
        } catch (const InvalidArgument&) { // a division by zero, or more than 64 bits hold
            return std::nullopt;
        }
    }
    return values.at(e);
}

std::set<std::int64_t> ExprPool::symbols_of(std::span<const Expr> roots) const {
    std::set<std::int64_t> found;
    std::set<Expr> seen;
    std::vector<Expr> open(roots.begin(), roots.end());
    while (!open.empty()) {
        const Expr e = open.back();
        open.pop_back();
        if (!e.valid() || !seen.insert(e).second) {
            continue;
        }
        const ExprNode& n = node(e);
        if (n.op == ExprOp::kSYMBOL) {
            found.insert(n.value);
        }
        open.insert(open.end(), {n.a, n.b});
    }
    return found;
}

ExprPool ExprPool::from_nodes(std::vector<ExprNode> nodes, std::vector<std::string> symbols) {
    ExprPool pool;
    pool.symbols_ = std::move(symbols);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const ExprNode& n = nodes[i];
        const auto limit = static_cast<std::int32_t>(i);
        const bool leaf = n.op == ExprOp::kCONSTANT || n.op == ExprOp::kSYMBOL;
        const bool known_symbol = n.op != ExprOp::kSYMBOL || (n.value >= 0 && static_cast<std::size_t>(n.value) < pool.symbols_.size());
        const bool operands = leaf || (n.a.valid() && n.b.valid() && n.a.id < limit && n.b.id < limit);
        if (n.op > ExprOp::kLESS || !known_symbol || !operands) {
            throw InvalidPlan(text("Shape expression ", i, " of the plan refers to something that does not exist; the plan is damaged, build it again."));
        }
        pool.index_.try_emplace(n, limit);
        pool.nodes_.push_back(n);
    }
    return pool;
}

} // namespace tensorvk::shape
