// Einstein summation.
#include "support/einsum.hpp"

#include <array>
#include <optional>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

EinsumAxes axes_of(const RuleContext& context) {
    std::vector<std::size_t> ranks;
    for (std::size_t i = 0; i < context.input_count(); ++i) {
        ranks.push_back(context.input(i).dims.size());
    }
    try {
        return parse_einsum(attributes_of(context).text("equation"), ranks);
    } catch (const InvalidArgument& error) {
        context.fail("cannot be computed: ", error.what());
    }
}

std::vector<Inferred> einsum(RuleContext& context) {
    const EinsumAxes axes = axes_of(context);
    std::vector<std::optional<shape::Expr>> extents(axes.count);
    for (std::size_t i = 0; i < context.input_count(); ++i) {
        const Tensor& x = context.input(i);
        context.require_same_type(context.input(0), x);
        for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
            auto& extent = extents[axes.inputs[i][axis]];
            extent = extent ? context.broadcast(*extent, x.dims[axis], text("dimension ", axis, " of '", x.name, "'")) : x.dims[axis];
        }
    }
    if (context.input(0).dtype == DataType::kBOOL) {
        context.fail("adds numbers; its inputs are bool.");
    }
    shape::Exprs dims;
    for (const std::size_t axis : axes.output) {
        dims.push_back(extents[axis].value_or(context.pool().constant(1)));
    }
    return one(context.input(0).dtype, std::move(dims));
}

constexpr std::array kRules{OperatorRule{"Einsum", 1, kAnyCount, einsum}};

} // namespace

std::span<const OperatorRule> einsum_rules() { return kRules; }

} // namespace tensorvk::graph
