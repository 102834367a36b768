// Elements moved to other places: slices, padding, triangles, with positions that may be data.
#include <algorithm>
#include <array>
#include <numeric>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

//! Axes that an optional input names, or the first `count`; nothing when they are data.
std::optional<std::vector<std::size_t>> known_axes(const RuleContext& context, std::size_t index, std::size_t count, std::size_t rank) {
    std::vector<std::int64_t> given(count);
    std::iota(given.begin(), given.end(), std::int64_t{0});
    if (context.optional_input(index) != nullptr) {
        const auto numbers = known_numbers(context, index);
        if (!numbers) {
            return std::nullopt;
        }
        given = *numbers;
    }
    std::vector<std::size_t> axes;
    for (const std::int64_t axis : given) {
        axes.push_back(context.axis(axis, rank));
    }
    return axes;
}

//! All extents depend on data.
shape::Exprs unknown_extents(const RuleContext& context, std::size_t rank, shape::Expr most = {}) {
    shape::Exprs dims;
    for (std::size_t i = 0; i < rank; ++i) {
        dims.push_back(context.unknown(0, static_cast<int>(i), most));
    }
    return dims;
}

std::vector<Inferred> slice(RuleContext& context) {
    const Tensor& x = context.input(0);
    const auto axes = known_axes(context, 3, element_count(context, 1), x.dims.size());
    shape::Exprs dims = x.dims;
    for (std::size_t i = 0; i < dims.size(); ++i) {
        if (!axes || std::ranges::find(*axes, i) != axes->end()) {
            dims[i] = context.unknown(0, static_cast<int>(i), x.dims[i]);
        }
    }
    return one(x.dtype, std::move(dims));
}

std::vector<Inferred> squeeze(RuleContext& context) {
    const Tensor& x = context.input(0);
    if (context.optional_input(1) == nullptr) {
        context.unsupported("removes all extents of 1 of a dynamic shape, so that the number of dimensions is not known; name the axes.");
    }
    const std::size_t count = element_count(context, 1);
    if (count == 0 || count > x.dims.size()) {
        context.fail("removes ", count, " axes of '", x.name, "' ", context.str(x.dims), ".");
    }
    return one(x.dtype, unknown_extents(context, x.dims.size() - count, largest(context, x.dims)));
}

std::vector<Inferred> unsqueeze(RuleContext& context) {
    const Tensor& x = context.input(0);
    const std::size_t rank = x.dims.size() + element_count(context, 1);
    return one(x.dtype, unknown_extents(context, rank, largest(context, x.dims)));
}

std::vector<Inferred> pad(RuleContext& context) {
    const Tensor& x = context.input(0);
    (void)word_attribute(context, "mode", "constant", {"constant", "reflect", "edge", "wrap"});
    const auto axes = known_axes(context, 3, x.dims.size(), x.dims.size());
    if (!axes) {
        return one(x.dtype, unknown_extents(context, x.dims.size()));
    }
    const shape::Exprs& pads = context.values(1);
    if (pads.size() != 2 * axes->size()) {
        context.fail("has ", pads.size(), " pads; ", axes->size(), " axes need ", 2 * axes->size(), ".");
    }
    shape::ExprPool& pool = context.pool();
    shape::Exprs dims = x.dims;
    for (std::size_t i = 0; i < axes->size(); ++i) {
        shape::Expr& dim = dims[(*axes)[i]];
        dim = pool.add(dim, pool.add(pads[i], pads[i + axes->size()]));
    }
    return one(x.dtype, std::move(dims));
}

std::vector<Inferred> trilu(RuleContext& context) {
    require_one_number(context, 1, "diagonal");
    if (const Tensor* k = context.optional_input(1); k != nullptr && is_floating(k->dtype)) {
        context.fail("needs an integer as its diagonal; '", k->name, "' is ", dtype_name(k->dtype), ".");
    }
    if (context.input(0).dims.size() < 2) {
        context.fail("needs two dimensions or more; '", context.input(0).name, "' is ", context.str(context.input(0).dims), ".");
    }
    return like_input(context, 0);
}

//! Along the time axis, the first elements of each batch in reverse: lengths [batch].
std::vector<Inferred> reverse_sequence(RuleContext& context) {
    const Tensor& x = context.input(0);
    const Tensor& lengths = context.input(1);
    const std::size_t batch = context.axis(attributes_of(context).integer("batch_axis", 1), x.dims.size());
    const std::size_t time = context.axis(attributes_of(context).integer("time_axis", 0), x.dims.size());
    if (batch == time) {
        context.fail("has axis ", batch, " as batch and as time; they have to differ.");
    }
    if ((lengths.dtype != DataType::kINT32 && lengths.dtype != DataType::kINT64) || lengths.dims.size() != 1) {
        context.fail("needs a vector of int32 or int64 lengths; '", lengths.name, "' is ", dtype_name(lengths.dtype), " ",
                     context.str(lengths.dims), ".");
    }
    (void)context.same(lengths.dims[0], x.dims[batch], "numbers of lengths and batches");
    return like_input(context, 0);
}

std::vector<Inferred> center_crop_pad(RuleContext& context) {
    const Tensor& x = context.input(0);
    const std::vector<std::int64_t> given = attributes_of(context).integers("axes");
    const shape::Exprs& shape = context.values(1);
    const bool all = given.empty();
    if (shape.size() != (all ? x.dims.size() : given.size())) {
        context.fail("has ", shape.size(), " extents for ", all ? x.dims.size() : given.size(), " axes.");
    }
    shape::Exprs dims = x.dims;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        dims[all ? i : context.axis(given[i], dims.size())] = shape[i];
    }
    return one(x.dtype, std::move(dims));
}

constexpr std::array kRules{
    OperatorRule{"CenterCropPad", 2, 2, center_crop_pad}, OperatorRule{"Pad", 2, 4, pad},
    OperatorRule{"ReverseSequence", 2, 2, reverse_sequence}, OperatorRule{"Slice", 3, 5, slice},
    OperatorRule{"Squeeze", 1, 2, squeeze},               OperatorRule{"Trilu", 1, 2, trilu},
    OperatorRule{"Unsqueeze", 2, 2, unsqueeze},
};

} // namespace

std::span<const OperatorRule> movement_rules() { return kRules; }

} // namespace tensorvk::graph
