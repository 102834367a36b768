// What is made from nothing or at random: ranges, identity matrices, random numbers, dropout.
#include <algorithm>
#include <array>
#include <cmath>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

//! The one number of a constant floating-point tensor.
std::optional<double> known_real(const Tensor& tensor) {
    if (tensor.constant == nullptr || tensor.constant->count != 1) {
        return std::nullopt;
    }
    const std::byte* data = tensor.constant->data;
    switch (tensor.dtype) {
        case DataType::kFLOAT:
            return static_cast<double>(*reinterpret_cast<const float*>(data));
        case DataType::kHALF:
            return static_cast<double>(half_to_float(*reinterpret_cast<const std::uint16_t*>(data)));
        case DataType::kBF16:
            return static_cast<double>(bfloat16_to_float(*reinterpret_cast<const std::uint16_t*>(data)));
        default:
            return std::nullopt;
    }
}

//! ONNX: max(ceil((limit - start) / delta), 0) numbers.
shape::Expr real_range_length(RuleContext& context) {
    const auto start = known_real(context.input(0));
    const auto limit = known_real(context.input(1));
    const auto delta = known_real(context.input(2));
    if (!start || !limit || !delta || *delta == 0.0) {
        return context.unknown(0, 0);
    }
    const double length = std::max(std::ceil((*limit - *start) / *delta), 0.0);
    return length < 1e15 ? context.pool().constant(static_cast<std::int64_t>(length)) : context.unknown(0, 0);
}

//! Numbers start, start + delta, ... as expressions, when they are few: so that a range can be a shape or axes.
std::optional<shape::Exprs> range_values(const RuleContext& context, shape::Expr start, shape::Expr delta, shape::Expr length) {
    const auto count = context.pool().value(length);
    if (!count || *count > static_cast<std::int64_t>(kMaxShapeValues)) {
        return std::nullopt;
    }
    shape::Exprs values;
    for (std::int64_t i = 0; i < *count; ++i) {
        values.push_back(context.pool().add(start, context.pool().mul(context.pool().constant(i), delta)));
    }
    return values;
}

std::vector<Inferred> range(RuleContext& context) {
    const DataType type = context.input(0).dtype;
    for (std::size_t i = 0; i < 3; ++i) {
        context.require_same_type(context.input(0), context.input(i));
        if (!context.pool().is(context.pool().product(context.input(i).dims), 1)) {
            context.fail("takes single numbers; '", context.input(i).name, "' is ", context.str(context.input(i).dims), ".");
        }
    }
    if (is_floating(type)) {
        return one(type, {real_range_length(context)});
    }
    shape::ExprPool& pool = context.pool();
    const shape::Expr start = context.values(0).front();
    const shape::Expr limit = context.values(1).front();
    const shape::Expr delta = context.values(2).front();
    if (pool.is(delta, 0)) {
        context.fail("has a delta of 0.");
    }
    const shape::Expr length = pool.max(pool.ceil_div(pool.sub(limit, start), delta), pool.constant(0));
    std::vector<Inferred> outputs;
    outputs.push_back({type, {length}, range_values(context, start, delta, length)});
    return outputs;
}

//! Shaped like the input.
std::vector<Inferred> like(RuleContext& context) {
    const Tensor& x = context.input(0);
    return one(type_attribute(context, "dtype", x.dtype), x.dims);
}

std::vector<Inferred> eye_like(RuleContext& context) {
    if (context.input(0).dims.size() != 2) {
        context.fail("makes a matrix like its input; '", context.input(0).name, "' is ", context.str(context.input(0).dims), ".");
    }
    return like(context);
}

//! Classes drawn for each row of logarithms of probabilities.
std::vector<Inferred> multinomial(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    require_rank(context, x, 2, "logarithms of probabilities [batch, classes]");
    const std::int64_t count = attributes_of(context).integer("sample_size", 1);
    if (count < 1) {
        context.fail("has 'sample_size' ", count, "; 1 or more is allowed.");
    }
    const DataType type = type_attribute(context, "dtype", DataType::kINT32);
    if (type != DataType::kINT32 && type != DataType::kINT64) {
        context.fail("draws classes as ", dtype_name(type), "; int32 and int64 are allowed.");
    }
    return one(type, {x.dims[0], context.pool().constant(count)});
}

std::vector<Inferred> random(RuleContext& context) {
    shape::Exprs dims;
    for (const std::int64_t extent : attributes_of(context).integers("shape")) {
        if (extent < 0) {
            context.fail("has the extent ", extent, "; extents must not be negative.");
        }
        dims.push_back(context.pool().constant(extent));
    }
    return one(type_attribute(context, "dtype", DataType::kFLOAT), std::move(dims));
}

//! The data and the mask of what was kept.
std::vector<Inferred> dropout(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    require_one_number(context, 1, "ratio");
    require_one_number(context, 2, "training mode");
    std::vector<Inferred> outputs;
    outputs.push_back({x.dtype, x.dims});
    outputs.push_back({attributes_of(context).integer("opset", 13) < 10 ? x.dtype : DataType::kBOOL, x.dims});
    return outputs;
}

constexpr std::array kRules{
    OperatorRule{"Bernoulli", 1, 1, like},        OperatorRule{"Dropout", 1, 3, dropout},
    OperatorRule{"EyeLike", 1, 1, eye_like},      OperatorRule{"Multinomial", 1, 1, multinomial},
    OperatorRule{"RandomNormal", 0, 0, random},
    OperatorRule{"RandomNormalLike", 1, 1, like}, OperatorRule{"RandomUniform", 0, 0, random},
    OperatorRule{"RandomUniformLike", 1, 1, like}, OperatorRule{"Range", 3, 3, range},
};

} // namespace

std::span<const OperatorRule> fill_rules() { return kRules; }

} // namespace tensorvk::graph
