// TensorRT's Fill: numbers in rows, or random ones.
#include "graph/operators/common.hpp"
#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

//! Input `index` or the attribute of the same meaning, where it is an integer that is known as an expression.
std::optional<Expr> known_number(const RuleContext& context, std::size_t index, const char* attribute) {
    if (const Tensor* given = context.optional_input(index)) {
        return given->values && given->values->size() == 1 ? std::optional(given->values->front()) : std::nullopt;
    }
    const double value = attributes_of(context).real(attribute);
    if (!is_exact_integer(value)) {
        context.fail("makes integers from ", attribute, " ", value, "; give numbers beyond 2^53 as input ", index, ".");
    }
    const auto whole = static_cast<std::int64_t>(value);
    return static_cast<double>(whole) == value ? std::optional(context.pool().constant(whole)) : std::nullopt;
}

//! alpha + i * beta, where a vector of integers is short enough to be a shape.
std::optional<Exprs> row_values(const RuleContext& context, DataType type, const Exprs& dims) {
    if (is_floating(type)) {
        return std::nullopt;
    }
    const auto alpha = known_number(context, 1, "alpha");
    const auto beta = known_number(context, 2, "beta");
    if (!alpha || !beta || !is_shape_type(type) || dims.size() != 1) {
        return std::nullopt;
    }
    const auto extents = small_extents(context.pool(), dims);
    if (!extents) {
        return std::nullopt;
    }
    shape::ExprPool& pool = context.pool();
    Exprs values;
    for (std::int64_t i = 0; i < extents->front(); ++i) {
        values.push_back(pool.add(*alpha, pool.mul(pool.constant(i), *beta)));
    }
    return values;
}

void check_numbers(const RuleContext& context, DataType type, bool linspace, std::size_t rank) {
    const Tensor* alpha = context.optional_input(1);
    const Tensor* beta = context.optional_input(2);
    if (alpha == nullptr || beta == nullptr) {
        return; // numbers, or a set_input that is still to come
    }
    for (const Tensor* tensor : {alpha, beta}) {
        if (tensor->dtype != type) {
            context.fail("makes ", dtype_name(type), " from '", tensor->name, "', which is ", dtype_name(tensor->dtype), "; the types have to be the same.");
        }
    }
    const bool vector = linspace && beta->dims.size() == 1;
    if (!alpha->dims.empty() || (linspace ? !vector : !beta->dims.empty())) {
        context.fail("needs a scalar as input 1 and ", linspace ? "a vector with one number per dimension" : "a scalar", " as input 2; they are ",
                     context.str(alpha->dims), " and ", context.str(beta->dims), ".");
    }
    if (vector) {
        (void)context.same(beta->dims[0], context.pool().constant(static_cast<std::int64_t>(rank)), "number of dimensions and of steps in input 2");
    }
}

} // namespace

//! Inputs, all optional: shape, alpha, beta.
std::vector<Inferred> fill(RuleContext& context) {
    const AttributeSet& a = attributes_of(context);
    const auto type = static_cast<DataType>(a.integer("type"));
    const bool linspace = static_cast<FillOperation>(a.integer("operation")) == FillOperation::kLINSPACE;
    if (!is_floating(type) && !(linspace && (type == DataType::kINT32 || type == DataType::kINT64))) {
        context.fail("makes ", dtype_name(type), "; floating-point types are possible, and int32 and int64 for LINSPACE.");
    }
    const std::vector<std::int64_t> own = a.integers("shape");
    Exprs dims = shape_argument(context, 0, own, "shape").value_or(Exprs{});
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        if (context.optional_input(0) == nullptr && own[axis] < 0) { // input 0 will say it
            dims[axis] = context.unknown(0, static_cast<int>(axis));
        }
    }
    check_numbers(context, type, linspace, dims.size());
    std::vector<Inferred> outputs;
    auto values = linspace ? row_values(context, type, dims) : std::nullopt;
    outputs.push_back({type, std::move(dims), std::move(values)});
    return outputs;
}

} // namespace tensorvk::graph::rules
