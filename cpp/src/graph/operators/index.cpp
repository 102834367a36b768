// Gathering and scattering by index.
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

void require_indices(const RuleContext& context, const Tensor& indices) {
    if (indices.dtype != DataType::kINT32 && indices.dtype != DataType::kINT64) {
        context.fail("needs int32 or int64 indices; '", indices.name, "' is ", dtype_name(indices.dtype), ".");
    }
}

std::vector<Inferred> gather_elements(RuleContext& context) {
    const Tensor& data = context.input(0);
    const Tensor& indices = context.input(1);
    require_indices(context, indices);
    require_rank(context, indices, data.dims.size(), "indices with as many dimensions as the data");
    (void)context.axis(attributes_of(context).integer("axis", 0), data.dims.size());
    return one(data.dtype, indices.dims);
}

//! How many of data's axes the last axis of `indices` names.
std::size_t index_depth(const RuleContext& context, const Tensor& indices) {
    require_indices(context, indices);
    const auto depth = indices.dims.empty() ? std::nullopt : context.pool().value(indices.dims.back());
    if (!depth) {
        context.fail("needs indices whose last dimension is known; '", indices.name, "' is ",
                     context.str(indices.dims), ".");
    }
    return static_cast<std::size_t>(*depth);
}

//! batch dimensions, what `indices` has in between, and the part of data that one index names.
std::vector<Inferred> gather_nd(RuleContext& context) {
    const Tensor& data = context.input(0);
    const Tensor& indices = context.input(1);
    const std::int64_t batch = attributes_of(context).integer("batch_dims", 0);
    const std::size_t named = index_depth(context, indices) + static_cast<std::size_t>(batch);
    if (batch < 0 || static_cast<std::size_t>(batch) >= indices.dims.size() || named > data.dims.size()) {
        context.fail("with ", batch, " batch dimensions cannot look up ", context.str(indices.dims), " in ",
                     context.str(data.dims), ".");
    }
    shape::Exprs dims(indices.dims.begin(), indices.dims.end() - 1);
    dims.insert(dims.end(), data.dims.begin() + static_cast<std::ptrdiff_t>(named), data.dims.end());
    return one(data.dtype, std::move(dims));
}

void require_reduction(const RuleContext& context) {
    (void)word_attribute(context, "reduction", "none", {"none", "add", "mul", "max", "min"});
}

std::vector<Inferred> scatter_elements(RuleContext& context) {
    const Tensor& data = context.input(0);
    require_reduction(context);
    require_indices(context, context.input(1));
    require_rank(context, context.input(1), data.dims.size(), "indices with as many dimensions as the data");
    require_rank(context, context.input(2), data.dims.size(), "updates with as many dimensions as the data");
    context.require_same_type(data, context.input(2));
    (void)context.axis(attributes_of(context).integer("axis", 0), data.dims.size());
    return like_input(context, 0);
}

std::vector<Inferred> scatter_nd(RuleContext& context) {
    const Tensor& data = context.input(0);
    const Tensor& indices = context.input(1);
    require_reduction(context);
    const std::size_t depth = index_depth(context, indices);
    if (depth > data.dims.size()) {
        context.fail("has indices of ", depth, " numbers for ", data.dims.size(), " dimensions.");
    }
    require_rank(context, context.input(2), indices.dims.size() - 1 + data.dims.size() - depth,
                 "updates [dimensions of the indices but for the last, what one index names]");
    context.require_same_type(data, context.input(2));
    return like_input(context, 0);
}

//! A cache, new entries for it and, per batch, where they go.
std::vector<Inferred> tensor_scatter(RuleContext& context) {
    const Tensor& cache = context.input(0);
    (void)word_attribute(context, "mode", "linear", {"linear", "circular"});
    require_rank(context, context.input(1), cache.dims.size(), "entries with as many dimensions as the cache");
    context.require_same_type(cache, context.input(1));
    if (context.optional_input(2) != nullptr) {
        require_indices(context, context.input(2));
        require_rank(context, context.input(2), 1, "a position for each batch");
    }
    (void)context.axis(attributes_of(context).integer("axis", -2), cache.dims.size());
    return like_input(context, 0);
}

//! The depth is one number of any type; only integers can be read as a shape before the operator runs.
shape::Expr one_hot_depth(RuleContext& context, std::size_t axis) {
    const Tensor& depth = context.input(1);
    if (is_floating(depth.dtype) || is_byte(depth.dtype)) {
        return context.unknown(0, static_cast<int>(axis));
    }
    return extent_argument(context, 1, "depth");
}

std::vector<Inferred> one_hot(RuleContext& context) {
    shape::Exprs dims = context.input(0).dims;
    const std::size_t axis = context.axis(attributes_of(context).integer("axis", -1), dims.size() + 1);
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), one_hot_depth(context, axis));
    return one(context.input(2).dtype, std::move(dims));
}

constexpr std::array kRules{
    OperatorRule{"GatherElements", 2, 2, gather_elements}, OperatorRule{"GatherND", 2, 2, gather_nd},
    OperatorRule{"OneHot", 3, 3, one_hot},                 OperatorRule{"Scatter", 3, 3, scatter_elements},
    OperatorRule{"ScatterElements", 3, 3, scatter_elements}, OperatorRule{"ScatterND", 3, 3, scatter_nd},
    OperatorRule{"TensorScatter", 2, 3, tensor_scatter},
};

} // namespace

std::span<const OperatorRule> index_rules() { return kRules; }

} // namespace tensorvk::graph
