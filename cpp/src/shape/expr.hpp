// Symbolic integers: dimensions and the values of shape tensors, known when a network is built or once its inputs' shapes are.
//
// An ExprPool owns all expressions of one network or program. Equal expressions have equal ids (hash-consing), constants fold at once, so
// `value(e)` tells whether something is known at build time and `a == b` whether two dimensions are surely the same.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace tensorvk::shape {

//! Id of an expression in its pool.
struct Expr {
    std::int32_t id = -1;
    [[nodiscard]] bool valid() const noexcept { return id >= 0; }
    auto operator<=>(const Expr&) const = default;
};

using Exprs = std::vector<Expr>;

enum class ExprOp : std::uint8_t {
    kCONSTANT, // value
    kSYMBOL,   // value = index into the symbols
    kADD,
    kSUB,
    kMUL,
    kFLOOR_DIV, // rounds to minus infinity; division by zero is an error
    kCEIL_DIV,
    kMOD, // sign of the divisor, like Python
    kMIN,
    kMAX,
    kEQUAL, // 0 or 1
    kLESS,  // 0 or 1
};

struct ExprNode {
    ExprOp op = ExprOp::kCONSTANT;
    std::int64_t value = 0; // constant or symbol index
    Expr a{};
    Expr b{};
    auto operator<=>(const ExprNode&) const = default;
};

class ExprPool {
public:
    [[nodiscard]] Expr constant(std::int64_t value);
    //! A new unknown; `name` is for messages ("input:0" = axis 0 of tensor input).
    [[nodiscard]] Expr symbol(std::string name);
    [[nodiscard]] Expr make(ExprOp op, Expr a, Expr b);

    [[nodiscard]] Expr add(Expr a, Expr b) { return make(ExprOp::kADD, a, b); }
    [[nodiscard]] Expr sub(Expr a, Expr b) { return make(ExprOp::kSUB, a, b); }
    [[nodiscard]] Expr mul(Expr a, Expr b) { return make(ExprOp::kMUL, a, b); }
    [[nodiscard]] Expr floor_div(Expr a, Expr b) { return make(ExprOp::kFLOOR_DIV, a, b); }
    [[nodiscard]] Expr ceil_div(Expr a, Expr b) { return make(ExprOp::kCEIL_DIV, a, b); }
    [[nodiscard]] Expr min(Expr a, Expr b) { return make(ExprOp::kMIN, a, b); }
    [[nodiscard]] Expr max(Expr a, Expr b) { return make(ExprOp::kMAX, a, b); }
    //! Product of all; 1 for none.
    [[nodiscard]] Expr product(std::span<const Expr> factors);

    [[nodiscard]] std::optional<std::int64_t> value(Expr e) const;
    [[nodiscard]] bool is(Expr e, std::int64_t constant) const { return value(e) == constant; }
    [[nodiscard]] const ExprNode& node(Expr e) const;
    //! Readable form: "(input:0 * 4)".
    [[nodiscard]] std::string str(Expr e) const;

    //! Values of all expressions for the given symbols, in id order. Throws InvalidArgument on overflow or division by zero.
    [[nodiscard]] std::vector<std::int64_t> evaluate(std::span<const std::int64_t> symbols) const;

    //! As evaluate() where some symbols are not known yet: neither is what depends on them.
    [[nodiscard]] std::vector<std::optional<std::int64_t>> evaluate_known(std::span<const std::optional<std::int64_t>> symbols) const;

    //! No value of that symbol will be larger; of several calls the largest holds. Known while a plan is built, and not part of it.
    void bound(std::int64_t symbol, std::int64_t most);
    //! The largest value that the bounds of its symbols allow, unless one has none. Symbols and what is made of them on the way are taken for sizes: not negative.
    [[nodiscard]] std::optional<std::int64_t> at_most(Expr e) const;

    //! Indices of the symbols that these expressions depend on; invalid ones depend on none.
    [[nodiscard]] std::set<std::int64_t> symbols_of(std::span<const Expr> roots) const;

    [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
    [[nodiscard]] const std::vector<std::string>& symbols() const noexcept { return symbols_; }
    //! Rebuilds a pool from stored parts; throws InvalidPlan when a node refers forward or to a missing symbol.
    [[nodiscard]] static ExprPool from_nodes(std::vector<ExprNode> nodes, std::vector<std::string> symbols);

private:
    [[nodiscard]] std::int64_t most(const ExprNode& n, std::int64_t a, std::int64_t b) const;
    Expr intern(const ExprNode& node);
    //! a - b where both are the same but for a constant.
    [[nodiscard]] std::optional<std::int64_t> known_distance(Expr a, Expr b) const;

    std::vector<ExprNode> nodes_;
    std::map<ExprNode, std::int32_t> index_;
    std::vector<std::string> symbols_;
    std::map<std::int64_t, std::int64_t> bounds_; // of symbols, by their indices
};

//! Applies one operation to numbers; the meaning of ExprOp in one place.
[[nodiscard]] std::int64_t apply(ExprOp op, std::int64_t a, std::int64_t b);

} // namespace tensorvk::shape
