#include "kernels/host/convolution.hpp"

#include <array>
#include <string>

#include "support/error.hpp"

namespace tensorvk::kernels::host {
namespace {

using Dims = std::vector<std::int64_t>;
using Triple = std::array<std::int64_t, 3>;

constexpr std::size_t kSpatial = 3; // everything is computed as depth, height, width; missing axes have extent 1

Triple spatial(const Dims& values, std::size_t skip, std::int64_t missing) {
    Triple out{missing, missing, missing};
    const std::size_t count = values.size() - skip;
    for (std::size_t i = 0; i < count; ++i) {
        out[kSpatial - count + i] = values[skip + i];
    }
    return out;
}

void check(const Dims& x, const Dims& weights, const ConvGeometry& geometry, bool transposed) {
    const std::size_t axes = geometry.kernel.size();
    if (axes < 1 || axes > kSpatial || x.size() != axes + 2 || weights.size() != axes + 2 ||
        geometry.stride.size() != axes || geometry.dilation.size() != axes || geometry.pre.size() != axes ||
        geometry.post.size() != axes) {
        throw InvalidArgument(text("A convolution over ", axes, " axes got an input of rank ", x.size(),
                                   " and weights of rank ", weights.size(), "; both need rank ", axes + 2,
                                   ", with one to three spatial axes."));
    }
    const std::int64_t channels = transposed ? weights[0] : weights[1] * geometry.groups;
    const std::int64_t divided = transposed ? x[1] : weights[0];
    if (geometry.groups < 1 || x[1] != channels || divided % geometry.groups != 0) {
        throw InvalidArgument(text("A convolution's input has ", x[1], " channels, its weights take ", channels, " in ",
                                   geometry.groups, " groups; the counts must be equal and divisible by the groups."));
    }
}

//! A convolution as loops see it: depth, height, width, and the counts of one group.
struct Problem {
    std::int64_t batch, in_channels, out_channels, groups;
    Triple in, out, kernel, stride, dilation, pre;
    const Tensor *x, *weights, *bias;

    [[nodiscard]] std::int64_t cin() const { return in_channels / groups; }
    [[nodiscard]] std::int64_t cout() const { return out_channels / groups; }
    [[nodiscard]] double input(std::int64_t n, std::int64_t c, const Triple& at) const {
        return x->get((((n * in_channels + c) * in[0] + at[0]) * in[1] + at[1]) * in[2] + at[2]);
    }
    [[nodiscard]] double weight(std::int64_t outer, std::int64_t inner, std::int64_t inner_count,
                                const Triple& k) const {
        return weights->get((((outer * inner_count + inner) * kernel[0] + k[0]) * kernel[1] + k[1]) * kernel[2] + k[2]);
    }
};

template <typename Visit>
void for_each(const Triple& extent, const Visit& visit) {
    Triple i{};
    for (i[0] = 0; i[0] < extent[0]; ++i[0]) {
        for (i[1] = 0; i[1] < extent[1]; ++i[1]) {
            for (i[2] = 0; i[2] < extent[2]; ++i[2]) {
                visit(i);
            }
        }
    }
}

//! The input position that kernel element `k` of output `o` reads; false: outside, or between two elements of a
//! transposed convolution.
bool source(const Problem& p, const Triple& o, const Triple& k, bool transposed, Triple& at) {
    for (std::size_t a = 0; a < kSpatial; ++a) {
        if (transposed) {
            const std::int64_t spread = o[a] + p.pre[a] - k[a] * p.dilation[a];
            if (spread < 0 || spread % p.stride[a] != 0) return false;
            at[a] = spread / p.stride[a];
        } else {
            at[a] = o[a] * p.stride[a] - p.pre[a] + k[a] * p.dilation[a];
        }
        if (at[a] < 0 || at[a] >= p.in[a]) return false;
    }
    return true;
}

double element(const Problem& p, std::int64_t n, std::int64_t c, const Triple& o, bool transposed) {
    const std::int64_t group = c / p.cout();
    double sum = p.bias != nullptr ? p.bias->get(c) : 0.0;
    for_each(p.kernel, [&](const Triple& k) {
        Triple at{};
        if (!source(p, o, k, transposed, at)) return;
        for (std::int64_t i = 0; i < p.cin(); ++i) {
            const std::int64_t ci = group * p.cin() + i;
            const double w = transposed ? p.weight(ci, c % p.cout(), p.cout(), k) : p.weight(c, i, p.cin(), k);
            sum += p.input(n, ci, at) * w;
        }
    });
    return sum;
}

Tensor run(const Tensor& x, const Tensor& weights, const Tensor* bias, const ConvGeometry& g, const Dims& dims,
           bool transposed) {
    Tensor y(x.dtype, dims);
    if (bias != nullptr && bias->volume() != dims[1]) {
        throw InvalidArgument(
            text("A convolution with ", dims[1], " output channels got a bias of ", bias->volume(), " elements."));
    }
    const Problem p{x.dims[0],
                    x.dims[1],
                    dims[1],
                    g.groups,
                    spatial(x.dims, 2, 1),
                    spatial(dims, 2, 1),
                    spatial(g.kernel, 0, 1),
                    spatial(g.stride, 0, 1),
                    spatial(g.dilation, 0, 1),
                    spatial(g.pre, 0, 0),
                    &x,
                    &weights,
                    bias};
    std::int64_t index = 0;
    for (std::int64_t n = 0; n < p.batch; ++n) {
        for (std::int64_t c = 0; c < p.out_channels; ++c) {
            for_each(p.out, [&](const Triple& o) { y.set(index++, element(p, n, c, o, transposed)); });
        }
    }
    return y;
}

} // namespace

Dims convolution_dims(const Dims& x, const Dims& weights, const ConvGeometry& g) {
    check(x, weights, g, false);
    Dims out{x[0], weights[0]};
    for (std::size_t a = 0; a < g.kernel.size(); ++a) {
        const std::int64_t span = x[a + 2] + g.pre[a] + g.post[a] - g.dilation[a] * (g.kernel[a] - 1) - 1;
        if (span < 0) {
            throw InvalidArgument(text("A convolution's kernel of ", g.kernel[a], " with dilation ", g.dilation[a],
                                       " is larger than its padded input of ", x[a + 2] + g.pre[a] + g.post[a],
                                       " along spatial axis ", a, "."));
        }
        out.push_back(span / g.stride[a] + 1);
    }
    return out;
}

Dims deconvolution_dims(const Dims& x, const Dims& weights, const ConvGeometry& g, const Dims& output_padding) {
    check(x, weights, g, true);
    Dims out{x[0], weights[1] * g.groups};
    for (std::size_t a = 0; a < g.kernel.size(); ++a) {
        const std::int64_t extra = output_padding.empty() ? 0 : output_padding[a];
        out.push_back((x[a + 2] - 1) * g.stride[a] + g.dilation[a] * (g.kernel[a] - 1) + 1 + extra - g.pre[a] -
                      g.post[a]);
    }
    return out;
}

Tensor convolution(const Tensor& x, const Tensor& weights, const Tensor* bias, const ConvGeometry& g) {
    return run(x, weights, bias, g, convolution_dims(x.dims, weights.dims, g), false);
}

Tensor deconvolution(const Tensor& x, const Tensor& weights, const Tensor* bias, const ConvGeometry& g,
                     const Dims& output_padding) {
    return run(x, weights, bias, g, deconvolution_dims(x.dims, weights.dims, g, output_padding), true);
}

} // namespace tensorvk::kernels::host
