// Layers with one input whose output has the same shape.
#include <algorithm>
#include <array>

#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

std::vector<Inferred> activation(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    return {{x.dtype, x.dims}};
}

namespace {

std::optional<Expr> unary_value(shape::ExprPool& pool, UnaryOperation op, Expr x) {
    switch (op) {
        case UnaryOperation::kNEG:
            return pool.sub(pool.constant(0), x);
        case UnaryOperation::kABS:
            return pool.max(x, pool.sub(pool.constant(0), x));
        case UnaryOperation::kNOT:
            return pool.sub(pool.constant(1), x);
        case UnaryOperation::kSIGN: // (0 < x) - (x < 0)
            return pool.sub(pool.make(shape::ExprOp::kLESS, pool.constant(0), x),
                            pool.make(shape::ExprOp::kLESS, x, pool.constant(0)));
        default:
            return std::nullopt;
    }
}

bool is_integer_unary(UnaryOperation op) {
    return op == UnaryOperation::kNEG || op == UnaryOperation::kABS || op == UnaryOperation::kSIGN;
}

} // namespace

std::vector<Inferred> unary(RuleContext& context) {
    const Tensor& x = context.input(0);
    const UnaryOperation op = context.attributes<UnaryAttributes>().op;
    if (op == UnaryOperation::kNOT) {
        if (x.dtype != DataType::kBOOL) {
            context.fail("computes a logical NOT and needs a bool input; '", x.name, "' is ", dtype_name(x.dtype), ".");
        }
    } else if (!(is_integer_unary(op) &&
                 (x.dtype == DataType::kINT32 || x.dtype == DataType::kINT64 || x.dtype == DataType::kINT8))) {
        context.require_floating(x, "input");
    }
    const bool test = op == UnaryOperation::kISINF || op == UnaryOperation::kISNAN;
    const std::array<const Tensor*, 1> operands{&x};
    auto values = map_values(context.pool(), x.dims, operands,
                             [&](std::span<const Expr> v) { return unary_value(context.pool(), op, v[0]); });
    return {{test ? DataType::kBOOL : x.dtype, x.dims, std::move(values)}};
}

std::vector<Inferred> identity(RuleContext& context) {
    const Tensor& x = context.input(0);
    return {{x.dtype, x.dims, x.values}};
}

std::vector<Inferred> cast(RuleContext& context) {
    const Tensor& x = context.input(0);
    const DataType to = context.attributes<CastAttributes>().to;
    shape::ExprPool& pool = context.pool();
    std::optional<Exprs> values;
    if (x.values && is_shape_type(to)) {
        values = x.values;
        if (to == DataType::kBOOL && x.dtype != DataType::kBOOL) {
            for (Expr& value : *values) {
                value = pool.sub(pool.constant(1), pool.make(shape::ExprOp::kEQUAL, value, pool.constant(0)));
            }
        }
    }
    return {{to, x.dims, std::move(values)}};
}

std::vector<Inferred> scale(RuleContext& context) {
    const Tensor& x = context.input(0);
    auto& a = context.attributes<ScaleAttributes>();
    context.require_floating(x, "input");
    const std::array<const Weights*, 3> weights{&a.shift, &a.scale, &a.power};
    const auto given = std::ranges::find_if(weights, [](const Weights* w) { return !w->empty(); });
    Exprs dims = x.dims;
    std::int64_t expected = 1;
    if (a.mode != ScaleMode::kUNIFORM) {
        a.channel_axis = static_cast<std::int64_t>(context.axis(a.channel_axis, x.dims.size()));
        const auto first = static_cast<std::size_t>(a.channel_axis);
        const std::size_t last = a.mode == ScaleMode::kCHANNEL ? first + 1 : x.dims.size();
        for (std::size_t axis = first; axis < last; ++axis) {
            if (a.mode == ScaleMode::kCHANNEL && given != weights.end() && !context.pool().value(dims[axis])) {
                dims[axis] = context.same(dims[axis], context.pool().constant((*given)->count), "number of channels and of weights");
            }
            const auto extent = context.pool().value(dims[axis]);
            if (!extent) {
                context.fail("needs a fixed extent of axis ", axis, "; the input '", x.name, "' is ",
                             context.str(x.dims), ".");
            }
            expected = checked_mul(expected, *extent);
        }
    }
    constexpr std::array kNames{"shift", "scale", "power"};
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (!weights[i]->empty() && weights[i]->count != expected) {
            context.fail("needs ", expected, " ", kNames[i], " weights for its mode and the input '", x.name, "' ",
                         context.str(x.dims), "; ", weights[i]->count, " were given.");
        }
    }
    return {{x.dtype, std::move(dims)}};
}

std::vector<Inferred> parametric_relu(RuleContext& context) {
    const Tensor& x = context.input(0);
    const Tensor& slopes = context.input(1);
    context.require_floating(x, "input");
    context.require_same_type(x, slopes);
    (void)context.broadcast(x, slopes);
    return {{x.dtype, x.dims}};
}

} // namespace tensorvk::graph::rules
