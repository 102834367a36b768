// Operators of ONNX Runtime's domain com.microsoft that have no layers to be made of.
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "graph/operators/quantize_parameters.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;
using shape::Exprs;

//! Weights [N, K] by the attributes of those names.
std::vector<Inferred> unpacked_weights(RuleContext& context) {
    const AttributeSet& a = attributes_of(context);
    if (a.integer("N") < 1 || a.integer("K") < 1) {
        context.fail("has the attributes N = ", a.integer("N"), " and K = ", a.integer("K"), "; both have to be 1 or more.");
    }
    return one(DataType::kFLOAT, {context.pool().constant(a.integer("N")), context.pool().constant(a.integer("K"))});
}

std::vector<Inferred> gather_block_quantized(RuleContext& context) {
    require_8_bits(context, 0);
    const Tensor& table = context.input(0);
    const AttributeSet& a = attributes_of(context);
    const std::int64_t bits = a.flag("unpacked") ? 8 : a.integer("bits", 4);
    if (table.dims.size() < 2 || (bits != 2 && bits != 4 && bits != 8)) {
        context.fail("needs a table of two dimensions or more, and 2, 4 or 8 bits; '", table.name, "' is ", context.str(table.dims), " and has ", bits, ".");
    }
    Exprs dims = context.input(1).dims;
    dims.insert(dims.end(), table.dims.begin() + 1, table.dims.end());
    dims.back() = context.pool().mul(table.dims.back(), context.pool().constant(8 / bits));
    return one(context.input(2).dtype, std::move(dims));
}

//! Outputs: all hidden states, the last ones, and the last cell states.
std::vector<Inferred> dynamic_quantize_lstm(RuleContext& context) {
    require_8_bits(context, 1);
    require_8_bits(context, 2);
    const Tensor& x = context.input(0);
    const Tensor& w = context.input(1);
    const Tensor& r = context.input(2);
    context.require_floating(x, "input");
    if (x.dims.size() != 3 || w.dims.size() != 3 || r.dims.size() != 3) {
        context.fail("needs X, W and R of three dimensions; they are ", context.str(x.dims), ", ", context.str(w.dims), " and ", context.str(r.dims), ".");
    }
    const Expr directions = w.dims[0];
    const Expr hidden = context.same(r.dims[1], context.pool().floor_div(r.dims[2], context.pool().constant(4)), "hidden sizes of R");
    (void)context.same(w.dims[1], x.dims[2], "input sizes of X and W");
    const Exprs last{directions, x.dims[1], hidden};
    std::vector<Inferred> outputs = one(x.dtype, {x.dims[0], directions, x.dims[1], hidden});
    outputs.push_back({x.dtype, last});
    outputs.push_back({x.dtype, last});
    return outputs;
}

std::vector<Inferred> inverse(RuleContext& context) {
    const Exprs& dims = context.input(0).dims;
    context.require_floating(context.input(0), "input");
    if (dims.size() < 2) {
        context.fail("needs square matrices; '", context.input(0).name, "' is ", context.str(dims), ".");
    }
    (void)context.same(dims[dims.size() - 2], dims.back(), "rows and columns of the matrices");
    return like_input(context, 0);
}

std::vector<Inferred> qlinear_reduce_mean(RuleContext& context) {
    require_8_bits(context, 0);
    const Tensor& x = context.input(0);
    require_one_scale(context, 1, x);
    require_one_scale(context, 3, x);
    const std::vector<std::int64_t> axes = attributes_of(context).integers("axes");
    std::vector<bool> reduced(x.dims.size(), axes.empty());
    for (const std::int64_t axis : axes) {
        reduced[context.axis(axis, x.dims.size())] = true;
    }
    Exprs dims;
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
        if (!reduced[i]) {
            dims.push_back(x.dims[i]);
        } else if (attributes_of(context).flag("keepdims", true)) {
            dims.push_back(context.pool().constant(1));
        }
    }
    return one(x.dtype, std::move(dims));
}

std::vector<Inferred> qlinear_where(RuleContext& context) {
    const Tensor& x = context.input(1);
    require_8_bits(context, 1);
    context.require_same_type(x, context.input(4));
    require_one_scale(context, 2, x);
    require_one_scale(context, 5, x);
    require_one_scale(context, 7, x);
    return one(x.dtype, broadcast_inputs(context, {0, 1, 4}));
}

constexpr std::array kRules{
    OperatorRule{kUnpackBnb4, 2, 2, unpacked_weights},
    OperatorRule{kUnpackNBits, 2, 4, unpacked_weights},
    OperatorRule{"com.microsoft.DynamicQuantizeLSTM", 12, 12, dynamic_quantize_lstm, 0b11111000},
    OperatorRule{"com.microsoft.GatherBlockQuantized", 3, 4, gather_block_quantized},
    OperatorRule{"com.microsoft.Inverse", 1, 1, inverse},
    OperatorRule{"com.microsoft.QLinearReduceMean", 4, 5, qlinear_reduce_mean, 1U << 2},
    OperatorRule{"com.microsoft.QLinearWhere", 9, 9, qlinear_where},
};

} // namespace

std::span<const OperatorRule> microsoft_rules() { return kRules; }

} // namespace tensorvk::graph
