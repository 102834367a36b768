// Operators that slide a window: convolution, its transpose, pooling.
#include <algorithm>

#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;

constexpr std::size_t kMostDims = 5; // of what layers slide windows over

std::size_t spatial_axes(const Tensor* x, const NodeContext& node) {
    if (x->dims.size() < 3 || x->dims.size() > kMostDims) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, node.op(),
             " needs an input of 3 to 5 dimensions (N, C, spatial axes); '", x->name, "' has ", x->dims.size(), ".");
    }
    return x->dims.size() - 2;
}

using graph::kLargestWindowNumber;

//! A list with one number per spatial axis.
Ints per_axis(const NodeContext& node, const char* name, std::size_t count, std::int64_t otherwise) {
    Ints out = node.integers(name, Ints(count, otherwise));
    if (out.size() != count) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute '", name, "' has ", out.size(), " numbers; it needs ", count,
             ".");
    }
    for (const std::int64_t value : out) {
        if (value < -kLargestWindowNumber || value > kLargestWindowNumber) {
            fail(NodeErrorCode::kINVALID_NODE, "Attribute '", name, "' has the number ", value, "; allowed are ",
                 -kLargestWindowNumber, " to ", kLargestWindowNumber, ".");
        }
    }
    return out;
}

void read_pads(const NodeContext& node, std::size_t spatial, Ints& pre, Ints& post) {
    const Ints pads = per_axis(node, "pads", 2 * spatial, 0);
    pre.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(spatial));
    post.assign(pads.begin() + static_cast<std::ptrdiff_t>(spatial), pads.end());
}

//! auto_pad as a padding mode; explicit padding is read for NOTSET.
PaddingMode read_padding(const NodeContext& node, std::size_t spatial, Ints& pre, Ints& post) {
    const std::string mode = node.string("auto_pad", "NOTSET");
    pre.assign(spatial, 0);
    post.assign(spatial, 0);
    if (mode == "SAME_UPPER") {
        return PaddingMode::kSAME_UPPER;
    }
    if (mode == "SAME_LOWER") {
        return PaddingMode::kSAME_LOWER;
    }
    if (mode == "NOTSET") {
        read_pads(node, spatial, pre, post);
    } else if (mode != "VALID") {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'auto_pad' is '", mode,
             "'; NOTSET, VALID, SAME_UPPER and SAME_LOWER are allowed.");
    }
    return PaddingMode::kEXPLICIT_ROUND_DOWN;
}

//! The kernel and the bias: attributes when constant, else inputs of the layer. Returns
//! the layer's inputs; `kernel_dims` are those of the kernel.
std::vector<Tensor*> read_weights(NodeContext& node, graph::ConvolutionAttributes& a, Ints& kernel_dims) {
    std::vector<Tensor*> inputs = {node.input(0), nullptr, nullptr};
    if (const auto kernel = node.constant(1)) {
        a.kernel = kernel->weights;
        kernel_dims = kernel->dims;
    } else { // dequantized weights, as a rule; what the compiler cannot fold is packed in every run
        inputs[1] = node.input(1);
        for (std::size_t axis = 0; axis < inputs[1]->dims.size(); ++axis) {
            const auto extent = node.build.extent(inputs[1], axis);
            if (!extent) {
                fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "Its kernel '", inputs[1]->name,
                     "' has a shape that is only known while the network runs; the shape has to be fixed.");
            }
            kernel_dims.push_back(*extent);
        }
    }
    if (const auto bias = node.constant(2)) {
        a.bias = bias->weights;
    } else {
        inputs[2] = node.optional_input(2);
    }
    while (inputs.back() == nullptr) {
        inputs.pop_back();
    }
    return inputs;
}

void read_kernel_shape(NodeContext& node, std::size_t spatial, const Ints& kernel_dims,
                       graph::ConvolutionAttributes& a) {
    if (kernel_dims.size() != spatial + 2) {
        fail(NodeErrorCode::kINVALID_NODE, "Its kernel has ", kernel_dims.size(),
             " dimensions; with this input it needs ", spatial + 2, ".");
    }
    a.geometry.kernel.assign(kernel_dims.begin() + 2, kernel_dims.end());
    if (std::any_of(a.geometry.kernel.begin(), a.geometry.kernel.end(),
                    [](std::int64_t k) { return k < 1 || k > kLargestWindowNumber; })) {
        fail(NodeErrorCode::kINVALID_NODE, "Its kernel has a window axis that is empty or longer than ",
             kLargestWindowNumber, ".");
    }
    if (per_axis(node, "kernel_shape", spatial, 0) != a.geometry.kernel && node.has("kernel_shape")) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'kernel_shape' differs from the shape of the kernel.");
    }
    a.geometry.stride = per_axis(node, "strides", spatial, 1);
    a.geometry.dilation = per_axis(node, "dilations", spatial, 1);
    a.geometry.groups = node.integer("group", 1);
}

void convolution(NodeContext& node) {
    const std::size_t spatial = spatial_axes(node.input(0), node);
    graph::ConvolutionAttributes a;
    Ints kernel_dims;
    std::vector<Tensor*> inputs = read_weights(node, a, kernel_dims);
    read_kernel_shape(node, spatial, kernel_dims, a);
    a.maps = kernel_dims[0];
    a.padding_mode = read_padding(node, spatial, a.geometry.pre, a.geometry.post);
    node.output(node.build.add(LayerType::kCONVOLUTION, std::move(inputs), std::move(a)));
}

//! Padding that makes the output as large as asked: output_shape, or input * stride for SAME.
void pad_for_output(NodeContext& node, const Tensor* x, PaddingMode mode, graph::ConvolutionAttributes& a) {
    const std::size_t spatial = a.geometry.kernel.size();
    const bool given = node.has("output_shape");
    const Ints shape = per_axis(node, "output_shape", spatial, 0);
    for (std::size_t i = 0; i < spatial; ++i) {
        const std::int64_t stride = a.geometry.stride[i];
        const std::int64_t reach = (a.geometry.kernel[i] - 1) * a.geometry.dilation[i] + 1;
        std::int64_t total = reach - stride + a.output_padding[i];
        if (given) {
            const auto extent = node.build.extent(x, i + 2);
            if (!extent) {
                fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC,
                     "Attribute 'output_shape' needs fixed spatial dimensions of '", x->name,
                     "'; give 'pads' instead.");
            }
            total = checked_add(total, checked_add(checked_mul(*extent, stride), -shape[i]));
        }
        if (total < 0) { // larger than what the window reaches: zeros behind
            a.output_padding[i] -= total;
            total = 0;
        }
        const std::int64_t smaller = total / 2;
        a.geometry.pre[i] = mode == PaddingMode::kSAME_UPPER ? smaller : total - smaller;
        a.geometry.post[i] = total - a.geometry.pre[i];
    }
}

void convolution_transpose(NodeContext& node) {
    const Tensor* x = node.input(0);
    const std::size_t spatial = spatial_axes(x, node);
    graph::ConvolutionAttributes a;
    Ints kernel_dims;
    std::vector<Tensor*> inputs = read_weights(node, a, kernel_dims);
    read_kernel_shape(node, spatial, kernel_dims, a);
    a.maps = checked_mul(kernel_dims[1], a.geometry.groups);
    a.output_padding = per_axis(node, "output_padding", spatial, 0);
    const PaddingMode mode = read_padding(node, spatial, a.geometry.pre, a.geometry.post);
    if (mode != PaddingMode::kEXPLICIT_ROUND_DOWN || node.has("output_shape")) {
        pad_for_output(node, x, mode, a);
    }
    node.output(node.build.add(LayerType::kDECONVOLUTION, std::move(inputs), std::move(a)));
}

template <PoolingType Op>
void pool(NodeContext& node) {
    Tensor* x = node.input(0);
    if (node.wants_output(1) || !is_floating(x->dtype) || x->dims.size() > kMostDims) { // where each maximum is; integers
        return import_by_rule(node, node.op());
    }
    const std::size_t spatial = spatial_axes(x, node);
    if (!node.has("kernel_shape")) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'kernel_shape' is missing.");
    }
    graph::PoolingAttributes a;
    a.op = Op;
    a.geometry.window = per_axis(node, "kernel_shape", spatial, 1);
    a.geometry.stride = per_axis(node, "strides", spatial, 1);
    a.geometry.dilation = per_axis(node, "dilations", spatial, 1);
    a.geometry.exclude_padding = node.integer("count_include_pad", 0) == 0;
    a.padding_mode = read_padding(node, spatial, a.geometry.pre, a.geometry.post);
    if (node.integer("ceil_mode", 0) != 0 && a.padding_mode == PaddingMode::kEXPLICIT_ROUND_DOWN) {
        a.padding_mode = PaddingMode::kEXPLICIT_ROUND_UP;
    }
    node.output(node.build.add(LayerType::kPOOLING, {x}, std::move(a)));
}

template <ReduceOperation Op>
void global_pool(NodeContext& node) {
    Tensor* x = node.input(0);
    const std::size_t spatial = spatial_axes(x, node);
    node.output(node.build.reduce(Op, x, ((1u << spatial) - 1u) << 2, true, ""));
}

constexpr Operator kOperators[] = {
    {"AveragePool", pool<PoolingType::kAVERAGE>, 1},
    {"Conv", convolution, 3},
    {"ConvTranspose", convolution_transpose, 3},
    {"GlobalAveragePool", global_pool<ReduceOperation::kAVG>, 1},
    {"GlobalMaxPool", global_pool<ReduceOperation::kMAX>, 1},
    {"MaxPool", pool<PoolingType::kMAX>, 1},
};

} // namespace

std::span<const Operator> convolution_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
