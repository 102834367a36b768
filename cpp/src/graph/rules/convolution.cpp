// Convolution and its transpose: N, C, spatial axes.
#include "graph/rules/families.hpp"
#include "graph/rules/windows.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

std::int64_t channels_of(RuleContext& context, const Tensor& x) {
    const auto channels = context.pool().value(x.dims[1]);
    if (!channels) {
        context.unsupported("needs a fixed number of channels; axis 1 of '", x.name, "' ", context.str(x.dims),
                     " is dynamic.");
    }
    return *channels;
}

void check_groups(RuleContext& context, const ConvolutionAttributes& a, std::int64_t channels) {
    const std::int64_t groups = a.geometry.groups;
    if (a.maps < 1 || groups < 1 || channels % groups != 0 || a.maps % groups != 0) {
        context.fail("has ", channels, " input channels, ", a.maps, " output maps and ", groups,
                     " groups; both counts must be positive multiples of the groups.");
    }
}

//! Kernel and bias come as attributes or as inputs 1 and 2.
void check_weights(RuleContext& context, const ConvolutionAttributes& a, std::int64_t first, std::int64_t second) {
    const std::int64_t expected = checked_mul(checked_mul(first, second), checked_volume(a.geometry.kernel));
    if (const Tensor* kernel = context.optional_input(1)) {
        context.require_floating(*kernel, "kernel");
        shape::Exprs dims = {context.pool().constant(first), context.pool().constant(second)};
        for (const std::int64_t extent : a.geometry.kernel) {
            dims.push_back(context.pool().constant(extent));
        }
        if (kernel->dims != dims) {
            context.fail("needs a kernel of shape ", context.str(dims), "; input 1 '", kernel->name, "' is ",
                         context.str(kernel->dims), ".");
        }
    } else if (a.kernel.count != expected) {
        context.fail("needs kernel weights of [", first, ", ", second, ", window] = ", expected, " values; ",
                     a.kernel.count, " were given.");
    } else if (!is_floating(a.kernel.type)) {
        context.fail("needs floating-point kernel weights; ", dtype_name(a.kernel.type), " ones were given.");
    }
    if (const Tensor* bias = context.optional_input(2)) {
        context.require_floating(*bias, "bias");
        if (bias->dims != shape::Exprs{context.pool().constant(a.maps)}) {
            context.fail("needs a bias of ", a.maps, " values; input 2 '", bias->name, "' is ", context.str(bias->dims),
                         ".");
        }
    } else if (!a.bias.empty() && a.bias.count != a.maps) {
        context.fail("needs a bias of ", a.maps, " values; ", a.bias.count, " were given.");
    }
}

Window window_of(ConvolutionAttributes& a) {
    kernels::ConvGeometry& g = a.geometry;
    return {g.kernel, g.stride, g.dilation, g.pre, g.post, a.padding_mode};
}

} // namespace

std::vector<Inferred> convolution(RuleContext& context) {
    const Tensor& x = context.input(0);
    auto& a = context.attributes<ConvolutionAttributes>();
    const Window window = window_of(a);
    context.require_floating(x, "input");
    const std::size_t spatial = check_window(context, window, x);
    const std::int64_t channels = channels_of(context, x);
    check_groups(context, a, channels);
    check_weights(context, a, a.maps, channels / a.geometry.groups);
    resolve_same_padding(context, window, x);

    shape::Exprs dims = {x.dims[0], context.pool().constant(a.maps)};
    for (std::size_t i = 0; i < spatial; ++i) {
        dims.push_back(windowed_extent(context, window, x, i));
    }
    return {{x.dtype, std::move(dims)}};
}

std::vector<Inferred> deconvolution(RuleContext& context) {
    const Tensor& x = context.input(0);
    auto& a = context.attributes<ConvolutionAttributes>();
    kernels::ConvGeometry& g = a.geometry;
    context.require_floating(x, "input");
    const std::size_t spatial = check_window(context, window_of(a), x);
    const std::int64_t channels = channels_of(context, x);
    check_groups(context, a, channels);
    check_weights(context, a, channels, a.maps / g.groups);
    if (a.output_padding.empty()) {
        a.output_padding.assign(spatial, 0);
    }
    if (a.output_padding.size() != spatial) {
        context.fail("has an output padding of ", a.output_padding.size(), " numbers for a window of ", spatial,
                     " axes.");
    }
    for (const std::int64_t padding : a.output_padding) {
        if (padding < 0 || padding > kLargestWindowNumber) {
            context.fail("has the output padding ", padding, "; allowed are 0 to ", kLargestWindowNumber, ".");
        }
    }
    shape::ExprPool& pool = context.pool();
    shape::Exprs dims = {x.dims[0], pool.constant(a.maps)};
    for (std::size_t i = 0; i < spatial; ++i) {
        const std::int64_t reach = (g.kernel[i] - 1) * g.dilation[i] + 1;
        if (a.padding_mode == PaddingMode::kSAME_UPPER ||
            a.padding_mode == PaddingMode::kSAME_LOWER) { // output = input * stride
            const std::int64_t total = reach - g.stride[i];
            if (total < 0) {
                context.fail("has SAME padding, a window that reaches over ", reach, " elements and the larger stride ",
                             g.stride[i], "; give explicit padding and output padding instead.");
            }
            const std::int64_t smaller = total / 2;
            g.pre[i] = a.padding_mode == PaddingMode::kSAME_UPPER ? smaller : total - smaller;
            g.post[i] = total - g.pre[i];
        }
        const std::int64_t grown = reach - g.stride[i] - g.pre[i] - g.post[i] + a.output_padding[i];
        dims.push_back(pool.add(pool.mul(x.dims[i + 2], pool.constant(g.stride[i])), pool.constant(grown)));
        require_not_empty(context, dims.back(), x, i + 2);
    }
    return {{x.dtype, std::move(dims)}};
}

} // namespace tensorvk::graph::rules
