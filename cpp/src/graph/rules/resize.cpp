#include <cmath>

#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

constexpr std::int64_t kLargestDenominator = 4096;
constexpr std::int64_t kLargestExtent = std::int64_t{1} << 40; // keeps the product with a scale inside 64 bits

//! extent * scale, rounded down. A symbolic extent needs the scale as a fraction: the first one that is the same float.
Expr scaled_extent(RuleContext& context, Expr extent, float scale) {
    shape::ExprPool& pool = context.pool();
    if (const auto value = pool.value(extent)) {
        if (*value > kLargestExtent) {
            context.fail("scales a dimension of ", *value, " elements; at most ", kLargestExtent, " are possible.");
        }
        return pool.constant(static_cast<std::int64_t>(std::floor(static_cast<float>(*value) * scale)));
    }
    for (std::int64_t denominator = 1; denominator <= kLargestDenominator; ++denominator) {
        const auto numerator =
            static_cast<std::int64_t>(std::llround(static_cast<double>(scale) * static_cast<double>(denominator)));
        if (static_cast<float>(static_cast<double>(numerator) / static_cast<double>(denominator)) == scale) {
            return pool.floor_div(pool.mul(extent, pool.constant(numerator)), pool.constant(denominator));
        }
    }
    context.unsupported("scales a dynamic dimension by ", scale, ", which is no fraction with a denominator up to ",
                        kLargestDenominator, "; give the output's shape instead.");
}

} // namespace

std::vector<Inferred> resize(RuleContext& context) {
    const Tensor& x = context.input(0);
    const auto& a = context.attributes<ResizeAttributes>();
    if (!is_floating(x.dtype) &&
        !(a.mode == InterpolationMode::kNEAREST && is_byte(x.dtype))) {
        context.fail("needs a floating-point input (or an 8-bit one in nearest mode); '", x.name, "' is ",
                     dtype_name(x.dtype), ", so insert a Cast before it.");
    }
    const std::size_t rank = x.dims.size();
    Exprs dims;
    if (const auto shape = shape_argument(context, 1, a.shape, "output shape")) {
        dims = *shape;
    } else {
        for (std::size_t axis = 0; axis < rank && axis < a.scales.size(); ++axis) {
            if (!(a.scales[axis] > 0.0f) || a.scales[axis] > 65536.0f) {
                context.fail("has the scale ", a.scales[axis], "; scales must be positive and at most 65536.");
            }
            dims.push_back(scaled_extent(context, x.dims[axis], a.scales[axis]));
        }
        if (a.scales.size() != rank) {
            context.fail("needs one scale for each of the ", rank, " dimensions of '", x.name, "'; ", a.scales.size(),
                         " were given and there is no output shape.");
        }
    }
    if (dims.size() != rank) {
        context.fail("has an output shape of ", dims.size(), " dimensions, but its input '", x.name, "' ",
                     context.str(x.dims), " has ", rank, ".");
    }
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const auto value = context.pool().value(dims[axis]);
        if (value && *value < 0) {
            context.fail("has the output shape ", context.str(dims), "; dimensions must not be negative.");
        }
        if (value && *value > 0 && context.pool().is(x.dims[axis], 0)) {
            context.fail("has the output shape ", context.str(dims), ", but axis ", axis, " of '", x.name, "' ",
                         context.str(x.dims), " is empty: there is nothing to interpolate.");
        }
    }
    return {{x.dtype, std::move(dims)}};
}

} // namespace tensorvk::graph::rules
