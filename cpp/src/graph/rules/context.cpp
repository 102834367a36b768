#include <optional>

#include "graph/describe.hpp"
#include "graph/rules.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

using shape::Expr;

std::string RuleContext::prefix() const {
    const auto* op = std::get_if<OperatorAttributes>(&layer_.attributes);
    return text("Layer '", layer_.name, "' (", op == nullptr ? layer_type_name(layer_.type) : op->op, ") ");
}

const Tensor& RuleContext::input(std::size_t index) const {
    const Tensor* tensor = optional_input(index);
    if (tensor == nullptr) {
        fail("needs input ", index, ", which is missing.");
    }
    return *tensor;
}

std::string RuleContext::str(const shape::Exprs& dims) const {
    return describe(pool_, dims);
}

const shape::Exprs& RuleContext::values(std::size_t index) const {
    const Tensor& tensor = input(index);
    if (tensor.values) {
        return *tensor.values;
    }
    if (tensor.dtype != DataType::kINT32 && tensor.dtype != DataType::kINT64 && tensor.dtype != DataType::kBOOL) {
        fail("takes numbers for shapes from tensor '", tensor.name, "', which has to be int32, int64 or bool but is ",
             dtype_name(tensor.dtype), ".");
    }
    const auto count = pool_.value(pool_.product(tensor.dims));
    if (!count || *count > static_cast<std::int64_t>(kMaxShapeValues)) {
        fail("takes numbers for shapes from tensor '", tensor.name, "' ", str(tensor.dims),
             ", which has to have a known number of elements, at most ", kMaxShapeValues, ".");
    }
    throw NeedsValues{index};
}

shape::Expr RuleContext::unknown(int output, int axis, shape::Expr most) const {
    for (const Unknown& known : layer_.unknowns) { // inferred before: the symbol stays
        if (known.output == output && known.axis == axis) {
            return known.symbol;
        }
    }
    layer_.unknowns.push_back({pool_.symbol(text(layer_.name, ":", output, ":", axis)), most, output, axis});
    return layer_.unknowns.back().symbol;
}

void RuleContext::require_floating(const Tensor& tensor, const char* what) const {
    if (!is_floating(tensor.dtype)) {
        unsupported("needs a floating-point ", what, "; tensor '", tensor.name, "' is ", dtype_name(tensor.dtype),
             ", so insert a Cast before it.");
    }
}

void RuleContext::require_same_type(const Tensor& a, const Tensor& b) const {
    if (a.dtype != b.dtype) {
        fail("needs inputs of one type; '", a.name, "' is ", dtype_name(a.dtype), " and '", b.name, "' is ",
             dtype_name(b.dtype), ", so insert a Cast before one of them.");
    }
}

std::size_t RuleContext::axis(std::int64_t given, std::size_t rank) const {
    const auto limit = static_cast<std::int64_t>(rank);
    if (given < -limit || given >= limit) {
        fail("has axis ", given, ", but its input has ", rank, " dimensions: allowed are ", -limit, " to ", limit - 1,
             ".");
    }
    return static_cast<std::size_t>(given < 0 ? given + limit : given);
}

void RuleContext::check_axes_mask(std::uint32_t mask, std::size_t rank) const {
    if (mask == 0 || (rank < 32 && (mask >> rank) != 0)) {
        fail("has the axes bitmask ", mask, ", but its input has ", rank, " dimensions: set one or more of the lowest ",
             rank, " bits.");
    }
}

Expr RuleContext::same(Expr a, Expr b, std::string_view what) const {
    if (a == b) {
        return a;
    }
    const auto va = pool_.value(a);
    const auto vb = pool_.value(b);
    if (va && vb) {
        fail("has ", what, " that differ: ", *va, " and ", *vb, ".");
    }
    layer_.constraints.push_back({a, b});
    return vb ? b : a;
}

void RuleContext::at_most(Expr number, Expr limit, std::string_view what) const {
    const auto known = pool_.value(number);
    const auto most = pool_.value(limit);
    if (known && most && *known > *most) {
        fail("has ", what, " ", *known, "; at most ", *most, " is allowed.");
    }
    const Expr least = pool_.min(number, limit);
    if (least != number) {
        layer_.constraints.push_back({least, number});
    }
}

Expr RuleContext::broadcast(Expr a, Expr b, std::string_view what) const {
    if (a == b || pool_.is(b, 1)) {
        return a;
    }
    if (pool_.is(a, 1)) {
        return b;
    }
    const auto va = pool_.value(a);
    const auto vb = pool_.value(b);
    if (va && vb) {
        fail("cannot broadcast ", what, ": ", *va, " and ", *vb, " differ and neither is 1.");
    }
    return same(a, b, what);
}

shape::Exprs RuleContext::broadcast(const Tensor& a, const Tensor& b) const {
    if (a.dims.size() != b.dims.size()) {
        fail("needs inputs with equally many dimensions; '", a.name, "' has ", a.dims.size(), " ", str(a.dims),
             " and '", b.name, "' has ", b.dims.size(), " ", str(b.dims), ", so reshape one of them with a Shuffle.");
    }
    shape::Exprs dims;
    for (std::size_t i = 0; i < a.dims.size(); ++i) {
        dims.push_back(
            broadcast(a.dims[i], b.dims[i],
                      text("dimension ", i, " of '", a.name, "' ", str(a.dims), " and '", b.name, "' ", str(b.dims))));
    }
    return dims;
}

} // namespace tensorvk::graph
