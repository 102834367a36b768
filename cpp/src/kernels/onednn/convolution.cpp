// cpu/convolution and cpu/deconvolution: through oneDNN, in float32. The step is that of convolution/generic (its parameters, constants and
// bindings), so one lowering serves both carriers.
#include <array>

#include "kernels/onednn/catalogue.hpp"
#include "kernels/onednn/onednn.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

using Dims = dnnl::memory::dims;
using Triple = std::array<std::int64_t, 3>; // depth, height, width

struct Problem {
    std::int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
    Triple x{}, y{}, kernel{}, stride{}, dilation{}, pre{};
    bool x_last = false, y_last = false, biased = false, transposed = false;
    std::size_t first_axis = 0; // of the triples: 1 where all depths are 1

    [[nodiscard]] std::int64_t positions() const { return y[0] * y[1] * y[2]; }
};

Problem problem_of(const Launch& launch, bool transposed) {
    Problem p;
    const auto triple = [&](std::size_t at) { return Triple{launch.param(at), launch.param(at + 1), launch.param(at + 2)}; };
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
    p.biased = launch.param(24) != 0;
    p.transposed = transposed;
    for (std::size_t i = 1; i < 19; ++i) {
        if (launch.param(i) < 1) throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a convolution with an extent of ", launch.param(i), ": rebuild the plan."));
    }
    if (p.in_channels % p.groups != 0 || p.out_channels % p.groups != 0) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has ", p.groups, " groups of channels: rebuild the plan."));
    }
    p.batch = launch.param(0) / checked_mul(p.out_channels, checked_volume(p.y));
    p.first_axis = p.x[0] == 1 && p.y[0] == 1 && p.kernel[0] == 1 && p.pre[0] == 0 ? 1 : 0;
    return p;
}

Dims spatial(const Problem& p, const Triple& values) { return {values.begin() + static_cast<std::ptrdiff_t>(p.first_axis), values.end()}; }

Dims tensor_dims(const Problem& p, std::int64_t channels, const Triple& extents) {
    Dims dims{p.batch, channels};
    const Dims rest = spatial(p, extents);
    dims.insert(dims.end(), rest.begin(), rest.end());
    return dims;
}

//! Row-major, or with the channels last.
dnnl::memory::desc tensor_desc(const Dims& dims, bool channels_last) {
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
    return strided(dims, strides);
}

//! oneDNN's axes: groups (where there are several), output channels, input channels, window. ONNX stores a transposed convolution's input
//! channels first.
dnnl::memory::desc weights_desc(const Problem& p) {
    const std::int64_t out = p.out_channels / p.groups, in = p.in_channels / p.groups;
    const Dims window = spatial(p, p.kernel);
    const std::int64_t taps = p.kernel[0] * p.kernel[1] * p.kernel[2];
    Dims dims{out, in};
    Dims strides = p.transposed ? Dims{taps, out * taps} : Dims{in * taps, taps};
    std::int64_t stride = taps;
    for (const std::int64_t extent : window) {
        stride /= extent;
        dims.push_back(extent);
        strides.push_back(stride);
    }
    if (p.groups > 1) {
        dims.insert(dims.begin(), p.groups);
        strides.insert(strides.begin(), out * in * taps);
    }
    return strided(dims, strides);
}

//! What is left of the padding behind, given the extents.
Dims post_padding(const Problem& p) {
    Triple post{};
    for (std::size_t a = 0; a < 3; ++a) {
        const std::int64_t narrow = p.transposed ? p.x[a] : p.y[a], wide = p.transposed ? p.y[a] : p.x[a];
        post[a] = (narrow - 1) * p.stride[a] + (p.kernel[a] - 1) * p.dilation[a] + 1 - wide - p.pre[a];
    }
    return spatial(p, post);
}

Dims dilates(const Problem& p) {
    Dims out = spatial(p, p.dilation);
    for (std::int64_t& dilation : out) --dilation; // oneDNN counts what is left out
    return out;
}

std::vector<dnnl::memory::desc> operand_descs(const Problem& p, const std::vector<EpilogueOperand>& operands, const dnnl::memory::desc& y) {
    std::vector<dnnl::memory::desc> out;
    for (const EpilogueOperand& operand : operands) {
        Dims dims(y.dims().size(), 1);
        if (operand.lies == OperandLies::kPER_CHANNEL) dims[1] = p.out_channels;
        out.push_back(operand.lies == OperandLies::kSAME ? y : tensor_desc(dims, p.y_last));
    }
    return out;
}

template <typename Forward>
Run prepare(const Launch& launch, const Problem& p, dnnl::algorithm algorithm) {
    const std::int64_t x_elements = checked_mul(p.batch * p.in_channels, checked_volume(p.x));
    const std::int64_t y_elements = checked_mul(p.batch * p.out_channels, checked_volume(p.y));
    const auto* x = launch.buffer<const float>(0, x_elements);
    const auto* weights = launch.buffer<const float>(1, checked_mul(p.out_channels * (p.in_channels / p.groups), checked_volume(p.kernel)));
    const auto* bias = p.biased ? launch.buffer<const float>(2, p.out_channels) : nullptr;
    auto* y = launch.buffer<float>(3, y_elements);
    if (y_elements == 0) return [] {};
    const PointwiseProgram program = launch.program(PointwiseProgram::kMaxOperands);
    const std::vector<EpilogueOperand> operands = epilogue_operands(launch, program, y_elements, p.out_channels);

    const dnnl::memory::desc x_desc = tensor_desc(tensor_dims(p, p.in_channels, p.x), p.x_last);
    const dnnl::memory::desc y_desc = tensor_desc(tensor_dims(p, p.out_channels, p.y), p.y_last);
    const dnnl::memory::desc given = weights_desc(p);
    const dnnl::memory::desc wanted = launch.geometry(2) != 0 ? any_format(given.dims()) : given; // packed once, if they stay
    const dnnl::memory::desc bias_desc = strided({p.out_channels}, {1});
    const std::optional<PostOps> fused = post_ops_of(program, operand_descs(p, operands, y_desc));
    dnnl::primitive_attr attributes;
    if (fused) attributes.set_post_ops(fused->ops);
    const typename Forward::desc description =
        bias != nullptr ? typename Forward::desc(dnnl::prop_kind::forward_inference, algorithm, x_desc, wanted, bias_desc, y_desc,
                                                 spatial(p, p.stride), dilates(p), spatial(p, p.pre), post_padding(p))
                        : typename Forward::desc(dnnl::prop_kind::forward_inference, algorithm, x_desc, wanted, y_desc,
                                                 spatial(p, p.stride), dilates(p), spatial(p, p.pre), post_padding(p));
    const typename Forward::primitive_desc chosen(description, attributes, onednn_engine());
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, over(x_desc, x)},
                                                    {DNNL_ARG_WEIGHTS, packed(launch, given, weights, chosen.weights_desc())},
                                                    {DNNL_ARG_DST, over(y_desc, y)}};
    if (bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, over(bias_desc, bias));
    if (fused) {
        const auto descs = operand_descs(p, operands, y_desc);
        for (const PostOps::Operand& operand : fused->operands) {
            arguments.emplace(operand.argument, over(descs[operand.index], operands[operand.index].data));
        }
    }
    Run product = execution(Forward(chosen), std::move(arguments));
    if (fused) return product;
    Run rest = p.y_last ? finish(program, operands, y, p.batch * p.positions(), p.out_channels, 1)
                        : finish(program, operands, y, p.batch, p.out_channels, p.positions());
    return [product = std::move(product), rest = std::move(rest)] {
        product();
        rest();
    };
}

} // namespace

Run prepare_convolution(const Launch& launch) {
    return prepare<dnnl::convolution_forward>(launch, problem_of(launch, false), dnnl::algorithm::convolution_auto);
}

Run prepare_deconvolution(const Launch& launch) {
    return prepare<dnnl::deconvolution_forward>(launch, problem_of(launch, true), dnnl::algorithm::deconvolution_direct);
}

} // namespace tensorvk::kernels::cpu
