#include "graph/operators/common.hpp"

#include <algorithm>

#include "support/dtype.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::graph {

void require_one_floating_type(const RuleContext& context, std::initializer_list<std::size_t> inputs) {
    const Tensor& first = context.input(*inputs.begin());
    context.require_floating(first, "input");
    for (const std::size_t index : inputs) {
        if (const Tensor* other = context.optional_input(index)) {
            context.require_same_type(first, *other);
        }
    }
}

DataType type_attribute(const RuleContext& context, std::string_view name, DataType otherwise) {
    const AttributeSet& attributes = attributes_of(context);
    if (!attributes.has(name)) {
        return otherwise;
    }
    const std::int64_t number = attributes.integer(name);
    const auto type = onnx_type(number);
    if (!type) {
        context.unsupported("has the attribute '", name, "' = ", number, " (", onnx_type_name(number), "), which is not ",
                            "offered; float, float16, bfloat16, double, int8, uint8, int32, int64 and bool are.");
    }
    return *type;
}

std::string word_attribute(const RuleContext& context, std::string_view name, std::string_view otherwise, std::initializer_list<std::string_view> words) {
    std::string given = attributes_of(context).text(name, otherwise);
    if (std::ranges::find(words, given) == words.end()) {
        std::string allowed;
        for (const std::string_view word : words) {
            allowed += text(allowed.empty() ? "" : ", ", word);
        }
        context.fail("has '", name, "' = '", given, "'; allowed are ", allowed, ".");
    }
    return given;
}

void require_int32(const RuleContext& context, const Tensor& tensor, std::string_view what) {
    if (tensor.dtype != DataType::kINT32) {
        context.fail("needs an int32 ", what, "; '", tensor.name, "' is ", dtype_name(tensor.dtype), ".");
    }
}

void require_8_bits(const RuleContext& context, std::size_t index) {
    const Tensor& x = context.input(index);
    if (x.dtype != DataType::kINT8 && x.dtype != DataType::kUINT8) {
        context.unsupported("works on int8 and uint8; '", x.name, "' is ", dtype_name(x.dtype), ".");
    }
}

void require_rank(const RuleContext& context, const Tensor& tensor, std::size_t rank, std::string_view meaning) {
    if (tensor.dims.size() != rank) {
        context.fail("needs ", meaning, "; '", tensor.name, "' is ", context.str(tensor.dims), ".");
    }
}

shape::Exprs broadcast_inputs(const RuleContext& context, std::initializer_list<std::size_t> inputs) {
    shape::Exprs dims;
    for (const std::size_t i : inputs) {
        const shape::Exprs& other = context.input(i).dims;
        if (other.size() > dims.size()) {
            dims.insert(dims.begin(), other.size() - dims.size(), context.pool().constant(1));
        }
        const std::size_t skipped = dims.size() - other.size();
        for (std::size_t axis = 0; axis < other.size(); ++axis) {
            shape::Expr& dim = dims[axis + skipped];
            dim = context.broadcast(dim, other[axis], text("dimension ", axis, " of '", context.input(i).name, "'"));
        }
    }
    return dims;
}

shape::Exprs multiplied_dims(const RuleContext& context, shape::Exprs a, shape::Exprs b) {
    if (a.empty() || b.empty()) {
        context.fail("multiplies matrices; a scalar was given.");
    }
    const bool row = a.size() == 1;
    const bool column = b.size() == 1;
    if (row) {
        a.insert(a.begin(), context.pool().constant(1));
    }
    if (column) {
        b.push_back(context.pool().constant(1));
    }
    (void)context.same(a.back(), b[b.size() - 2], "inner dimensions of the matrices");
    shape::Exprs out;
    const std::size_t rank = std::max(a.size(), b.size()) - 2;
    for (std::size_t i = 0; i < rank; ++i) {
        const bool in_a = i + a.size() >= rank + 2;
        const bool in_b = i + b.size() >= rank + 2;
        const shape::Expr from_a = in_a ? a[i + a.size() - rank - 2] : context.pool().constant(1);
        const shape::Expr from_b = in_b ? b[i + b.size() - rank - 2] : context.pool().constant(1);
        out.push_back(context.broadcast(from_a, from_b, "batches of matrices"));
    }
    if (!row) {
        out.push_back(a[a.size() - 2]);
    }
    if (!column) {
        out.push_back(b.back());
    }
    return out;
}

std::optional<std::vector<std::int64_t>> known_numbers(const RuleContext& context, std::size_t index) {
    const Tensor* tensor = context.optional_input(index);
    if (tensor == nullptr || !tensor->values) {
        return std::nullopt;
    }
    std::vector<std::int64_t> out;
    for (const shape::Expr e : *tensor->values) {
        const auto value = context.pool().value(e);
        if (!value) {
            return std::nullopt;
        }
        out.push_back(*value);
    }
    return out;
}

std::size_t element_count(const RuleContext& context, std::size_t index) {
    const Tensor& tensor = context.input(index);
    const auto count = context.pool().value(context.pool().product(tensor.dims));
    if (!count || tensor.dims.size() > 1) {
        context.fail("takes a vector of known length as input ", index, "; '", tensor.name, "' is ",
                     context.str(tensor.dims), ".");
    }
    return static_cast<std::size_t>(*count);
}

void require_one_number(const RuleContext& context, std::size_t index, std::string_view what) {
    const Tensor* tensor = context.optional_input(index);
    if (tensor == nullptr) {
        return;
    }
    const auto count = context.pool().value(context.pool().product(tensor->dims));
    if (count && *count != 1) {
        context.fail("needs one number as its ", what, "; '", tensor->name, "' is ", context.str(tensor->dims), ".");
    }
}

shape::Expr number_argument(RuleContext& context, std::size_t index, std::string_view what) {
    const shape::Exprs& given = context.values(index);
    if (given.size() != 1) {
        context.fail("needs one number as its ", what, "; '", context.input(index).name, "' has ", given.size(), ".");
    }
    return given[0];
}

shape::Expr extent_argument(RuleContext& context, std::size_t index, std::string_view what, std::int64_t least) {
    const shape::Expr given = number_argument(context, index, what);
    if (const auto known = context.pool().value(given); known && *known < least) {
        context.fail("was given the ", what, " ", *known, "; ", least, " is the least.");
    }
    return given;
}

shape::Expr largest(const RuleContext& context, std::span<const shape::Expr> extents) {
    shape::Expr most = context.pool().constant(1);
    for (const shape::Expr extent : extents) {
        most = context.pool().max(most, extent);
    }
    return most;
}

} // namespace tensorvk::graph
