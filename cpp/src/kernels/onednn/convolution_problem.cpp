#include "kernels/onednn/convolution_problem.hpp"

#include <algorithm>

#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using Dims = ConvolutionProblem::Dims;
using Type = ConvolutionProblem::Type;

//! Row-major, or with the channels last.
dnnl::memory::desc tensor_desc(const Dims& dims, bool channels_last, Type type) {
    Dims strides(dims.size());
    std::int64_t stride = 1;
    if (channels_last) {
        strides[1] = 1;
        stride = dims[1];
    }
    for (std::size_t axis = dims.size(); axis-- > 0;) {
        if (channels_last && axis == 1) continue;
        strides[axis] = stride;
        stride *= dims[axis];
    }
    return strided(dims, strides, type);
}

//! Nothing happens along the axis.
bool trivial(const ConvolutionProblem& p, std::size_t axis) { return p.x[axis] == 1 && p.y[axis] == 1 && p.kernel[axis] == 1 && p.pre[axis] == 0; }

//! oneDNN's kernels go along the width: of a picture one element wide the height takes its place, which changes nothing in memory.
void turn(ConvolutionProblem& p) {
    while (trivial(p, 2) && !(trivial(p, 0) && trivial(p, 1))) {
        for (ConvolutionProblem::Triple* of : {&p.x, &p.y, &p.kernel, &p.stride, &p.dilation, &p.pre}) {
            std::rotate(of->begin(), of->end() - 1, of->end());
        }
    }
}

} // namespace

ConvolutionProblem convolution_problem(const Launch& launch, bool transposed) {
    ConvolutionProblem p;
    const auto triple = [&](std::size_t at) { return ConvolutionProblem::Triple{launch.param(at), launch.param(at + 1), launch.param(at + 2)}; };
    p.out_channels = launch.param(1);
    p.y = triple(2);
    p.in_channels = launch.param(5);
    p.x = triple(6);
    p.groups = launch.param(9);
    p.kernel = triple(10);
    p.stride = triple(13);
    p.dilation = triple(16);
    p.pre = triple(19);
    p.x_last = launch.param(22) != 0;
    p.y_last = launch.param(23) != 0;
    p.transposed = transposed;
    for (std::size_t i = 1; i < 19; ++i) {
        const bool may_be_empty = i >= 5 && i < 9; // the input's channels and picture
        if (launch.param(i) < (may_be_empty ? 0 : 1)) throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a convolution with an extent of ", launch.param(i), ": rebuild the plan."));
    }
    if (p.in_channels % p.groups != 0 || p.out_channels % p.groups != 0) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has ", p.groups, " groups of channels: rebuild the plan."));
    }
    p.batch = launch.param(0) / checked_mul(p.out_channels, checked_volume(p.y));
    turn(p);
    p.first_axis = trivial(p, 0) ? 1 : 0;
    return p;
}

std::int64_t ConvolutionProblem::x_elements() const { return checked_mul(checked_mul(batch, in_channels), checked_volume(x)); }
std::int64_t ConvolutionProblem::y_elements() const { return checked_mul(checked_mul(batch, out_channels), checked_volume(y)); }
std::int64_t ConvolutionProblem::weight_elements() const { return checked_mul(checked_mul(out_channels, in_channels / groups), checked_volume(kernel)); }

Dims ConvolutionProblem::tensor_dims(std::int64_t channels, const Triple& extents) const {
    Dims dims{batch, channels};
    const Dims rest = spatial(extents);
    dims.insert(dims.end(), rest.begin(), rest.end());
    return dims;
}

dnnl::memory::desc ConvolutionProblem::x_desc(Type type) const { return tensor_desc(tensor_dims(in_channels, x), x_last, type); }
dnnl::memory::desc ConvolutionProblem::y_desc(Type type) const { return tensor_desc(tensor_dims(out_channels, y), y_last, type); }

dnnl::memory::desc ConvolutionProblem::channel_desc(bool single, Type type) const {
    Dims dims(tensor_dims(out_channels, y).size(), 1);
    dims[1] = single ? 1 : out_channels;
    return tensor_desc(dims, y_last, type);
}

dnnl::memory::desc ConvolutionProblem::weights_desc(Type type) const {
    const std::int64_t out = out_channels / groups, in = in_channels / groups;
    const std::int64_t taps = kernel[0] * kernel[1] * kernel[2];
    Dims dims{out, in};
    Dims steps = transposed ? Dims{taps, out * taps} : Dims{in * taps, taps};
    std::int64_t step = taps;
    for (const std::int64_t extent : spatial(kernel)) {
        step /= extent;
        dims.push_back(extent);
        steps.push_back(step);
    }
    if (groups > 1) {
        dims.insert(dims.begin(), groups);
        steps.insert(steps.begin(), out * in * taps);
    }
    return strided(dims, steps, type);
}

Dims ConvolutionProblem::post_padding() const {
    Triple post{};
    for (std::size_t a = 0; a < 3; ++a) {
        const std::int64_t narrow = transposed ? x[a] : y[a], wide = transposed ? y[a] : x[a];
        post[a] = (narrow - 1) * stride[a] + (kernel[a] - 1) * dilation[a] + 1 - wide - pre[a];
    }
    return spatial(post);
}

Dims ConvolutionProblem::dilates() const {
    Dims out = spatial(dilation);
    for (std::int64_t& extent : out) --extent;
    return out;
}

} // namespace tensorvk::kernels::cpu
