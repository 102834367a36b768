#include "tactics/convolution_problem.hpp"

#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::tactics {
namespace {

ConvolutionProblem::Triple triple(const std::vector<std::int64_t>& values, std::int64_t missing) {
    ConvolutionProblem::Triple out{missing, missing, missing};
    for (std::size_t i = 0; i < values.size(); ++i) {
        out[3 - values.size() + i] = values[i];
    }
    return out;
}

std::int64_t channels(const Value& value, const shape::ExprPool& exprs, const std::string& layer) {
    const std::optional<std::int64_t> known = exprs.value(value.dims.at(1));
    if (!known) {
        throw Unsupported(text("Convolution '", layer, "': the channel count of '", value.name, "' is dynamic (",
                               exprs.str(value.dims[1]),
                               "); it must be a constant, give the input a fixed number of channels."));
    }
    return *known;
}

} // namespace

ConvolutionProblem::ConvolutionProblem(const Query& query)
    : operation(query.operation), x(query.input(0)), weights(query.input(1)), y(query.output()) {
    const std::string& layer = operation.name;
    if (operation.has_bias) bias = query.input(2).buffer;
    const kernels::ConvGeometry& geometry = convolution().geometry;
    if (x.dims.size() < 3 || x.dims.size() > 5 || geometry.kernel.size() + 2 != x.dims.size()) {
        throw Unsupported(text("Convolution '", layer, "': its input has rank ", x.dims.size(), " and its kernel ",
                               geometry.kernel.size(), " axes; one to three spatial axes are supported."));
    }
    roles = convolution_roles(x.dims.size());
    in_channels = channels(x, query.exprs, layer);
    out_channels = channels(y, query.exprs, layer);
    groups = geometry.groups;
    kernel = triple(geometry.kernel, 1);
    stride = triple(geometry.stride, 1);
    dilation = triple(geometry.dilation, 1);
    pre = triple(geometry.pre, 0);
    variant = product_variant(query);
}

std::int32_t ConvolutionProblem::type_bits() const {
    constexpr std::int32_t kStoresInt8 = 256, kStoresUint8 = 512;
    const std::int32_t bytes = y.dtype == DataType::kINT8 ? kStoresInt8 : y.dtype == DataType::kUINT8 ? kStoresUint8 : 0;
    return (is_short_float(x.dtype) ? 1 : 0) | (is_short_float(y.dtype) ? 2 : 0) | bytes;
}

ConvolutionProblem::Extents ConvolutionProblem::spatial(const Value& value, shape::ExprPool& exprs) {
    const shape::Expr one = exprs.constant(1);
    Extents out{one, one, one};
    for (std::size_t axis = 2; axis < value.dims.size(); ++axis) {
        out[3 - value.dims.size() + axis] = value.dims[axis];
    }
    return out;
}

shape::Expr ConvolutionProblem::positions(const Value& value, shape::ExprPool& exprs) const {
    shape::Expr count = value.dims[0];
    for (std::size_t axis = 2; axis < value.dims.size(); ++axis) {
        count = exprs.mul(count, value.dims[axis]);
    }
    return count;
}

} // namespace tensorvk::tactics
