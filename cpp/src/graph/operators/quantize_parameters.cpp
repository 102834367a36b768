#include "graph/operators/quantize_parameters.hpp"

#include <algorithm>
#include <cstring>

#include "graph/describe.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;
using shape::ExprPool;
using shape::Exprs;

bool differ(const ExprPool& pool, Expr a, Expr b) {
    const auto known = pool.value(a);
    const auto other = pool.value(b);
    return known && other && *known != *other;
}

bool one_number(const ExprPool& pool, const Exprs& dims) {
    return std::ranges::all_of(dims, [&](Expr dim) { return pool.is(dim, 1); });
}

bool may_broadcast(const ExprPool& pool, const Exprs& from, const Exprs& to) {
    bool fits = from.size() <= to.size();
    for (std::size_t i = 0; fits && i < from.size(); ++i) {
        fits = pool.is(from[i], 1) || !differ(pool, from[i], to[to.size() - from.size() + i]);
    }
    return fits;
}

//! An element of floating-point weights.
float number(const Weights& weights, std::int64_t at) {
    std::uint16_t half = 0;
    float out = 0.0F;
    if (weights.type == DataType::kFLOAT) {
        std::memcpy(&out, weights.data + static_cast<std::size_t>(at) * sizeof out, sizeof out);
        return out;
    }
    std::memcpy(&half, weights.data + static_cast<std::size_t>(at) * sizeof half, sizeof half);
    return weights.type == DataType::kHALF ? half_to_float(half) : bfloat16_to_float(half);
}

//! One scale per block of `block` elements of an axis, along the others one per index.
bool may_be_blocks(const ExprPool& pool, const Exprs& x, const Exprs& scale, std::int64_t axis, std::int64_t block) {
    bool fits = x.size() == scale.size() && block > 0 && block <= kLargestWindowNumber * kLargestWindowNumber;
    for (std::size_t i = 0; fits && i < x.size(); ++i) {
        const auto extent = pool.value(x[i]);
        const auto blocks = pool.value(scale[i]);
        const std::int64_t per_scale = static_cast<std::int64_t>(i) == axis ? block : 1;
        fits = !extent || !blocks || *blocks == (*extent + per_scale - 1) / per_scale;
    }
    return fits;
}

} // namespace

void require_fit(const RuleContext& context, std::size_t index, const Exprs& to, std::size_t trailing) {
    const Tensor* tensor = context.optional_input(index);
    if (tensor == nullptr || one_number(context.pool(), tensor->dims)) {
        return;
    }
    Exprs dims = tensor->dims;
    if (dims.size() == 1) {
        dims.resize(1 + trailing, context.pool().constant(1));
    }
    if (!may_broadcast(context.pool(), dims, to)) {
        context.fail("takes as input ", index, " one number",
                     to.empty() ? text("") : text(", or numbers that broadcast as ", context.str(dims), " to ", context.str(to)), "; '", tensor->name,
                     "' is ", context.str(tensor->dims), ".");
    }
}

void require_scale(const RuleContext& context, std::size_t index, const Exprs& to, std::size_t trailing) {
    if (const Tensor* scale = context.optional_input(index)) {
        context.require_floating(*scale, "scale");
        require_fit(context, index, to, trailing);
    }
}

void require_zero_point(const RuleContext& context, std::size_t index, const Tensor& of, const Exprs& to, std::size_t trailing) {
    if (const Tensor* zero = context.optional_input(index)) {
        context.require_same_type(of, *zero);
        require_fit(context, index, to, trailing);
    }
}

void require_one_scale(const RuleContext& context, std::size_t scale, const Tensor& of) {
    require_scale(context, scale);
    require_zero_point(context, scale + 1, of);
}

std::string misfit_of_scales(const ExprPool& pool, const Layer& layer) {
    const Exprs& x = layer.inputs[0]->dims;
    const Exprs& scale = layer.inputs[1]->dims;
    if (one_number(pool, scale) && scale.size() <= 1) {
        return {};
    }
    const AttributeSet& attributes = std::get<OperatorAttributes>(layer.attributes).attributes;
    const auto rank = static_cast<std::int64_t>(x.size());
    const std::int64_t given = attributes.integer("axis", 1);
    const std::int64_t axis = given < 0 ? given + rank : given;
    const std::int64_t block = attributes.integer("block_size", 0);
    const bool exists = axis >= 0 && axis < rank;
    if (exists && (scale.size() == 1 ? !differ(pool, scale[0], x[static_cast<std::size_t>(axis)]) : may_be_blocks(pool, x, scale, axis, block))) {
        return {};
    }
    return text("has scales '", layer.inputs[1]->name, "' ", describe(pool, scale), " for '", layer.inputs[0]->name, "' ", describe(pool, x),
                ", axis ", given, " and blocks of ", block, "; one number, one per index of that axis, or one per block along it is allowed.");
}

void require_scales(const RuleContext& context, bool positive) {
    const Tensor& scale = context.input(1);
    context.require_floating(scale, "scale");
    const AttributeSet& attributes = attributes_of(context);
    // ONNX's nodes are complete. The axis and the blocks of a layer are set after it was added; the lowering looks again.
    if (attributes.has("opset") || attributes.has(scale.dims.size() == 1 ? "axis" : "block_size")) {
        if (const std::string misfit = misfit_of_scales(context.pool(), context.layer()); !misfit.empty()) {
            context.fail(misfit);
        }
    }
    if (const Tensor* zero = context.optional_input(2)) {
        const bool one = one_number(context.pool(), scale.dims) && one_number(context.pool(), zero->dims);
        if (!one && (zero->dims.size() != scale.dims.size() || !may_broadcast(context.pool(), zero->dims, scale.dims) ||
                     !may_broadcast(context.pool(), scale.dims, zero->dims))) {
            context.fail("has zero points '", zero->name, "' ", context.str(zero->dims), " for scales '", scale.name, "' ", context.str(scale.dims),
                         "; as many are needed.");
        }
    }
    for (std::int64_t i = 0; positive && scale.constant && i < scale.constant->count; ++i) {
        if (!(number(*scale.constant, i) > 0.0F)) {
            context.fail("divides by the scale ", number(*scale.constant, i), ", element ", i, " of '", scale.name, "'; scales have to be above 0.");
        }
    }
}

} // namespace tensorvk::graph
