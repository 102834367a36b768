#include "onnx/normalization.hpp"

namespace tensorvk::onnx {

using graph::Tensor;
using Op = ElementWiseOperation;

Tensor* normalized(Build& b, Tensor* x, std::uint32_t axes, double epsilon, bool subtract_mean) {
    Tensor* centred = x;
    if (subtract_mean) {
        Tensor* mean = b.reduce(ReduceOperation::kAVG, x, axes, true, "mean");
        centred = b.elementwise(Op::kSUB, x, mean, "centred");
    }
    Tensor* square = b.elementwise(Op::kPROD, centred, centred, "square");
    Tensor* variance = b.reduce(ReduceOperation::kAVG, square, axes, true, "variance");
    Tensor* padded = b.elementwise(Op::kSUM, variance, b.number(variance, epsilon), "epsilon");
    return b.elementwise(Op::kDIV, centred, b.unary(UnaryOperation::kSQRT, padded, "deviation"), "normalized");
}

Tensor* along(Build& b, Tensor* vector, std::size_t axis, std::size_t rank) {
    Build::Ints added;
    for (std::size_t i = 0; i < rank; ++i) {
        if (i != axis) {
            added.push_back(static_cast<std::int64_t>(i));
        }
    }
    return b.unsqueeze(vector, added, "broadcast");
}

void require_vector(const Tensor* tensor, const char* what) {
    if (tensor->dims.size() != 1) {
        fail(NodeErrorCode::kINVALID_NODE, "Its ", what, " '", tensor->name, "' must be a vector.");
    }
}

void finish(NodeContext& node, Tensor* y, DataType type) {
    node.output(y->dtype == type ? y : node.build.add(LayerType::kCAST, {y}, graph::CastAttributes{type}));
}

Tensor* layer_normalized(NodeContext& node, Tensor* x, const LayerNorm& parameters) {
    Build& b = node.build;
    const std::size_t first = node.axis(parameters.axis, x->dims.size());
    Tensor* y = normalized(b, as_float(b, x), axes_from(first, x->dims.size()), parameters.epsilon, parameters.subtract_mean);
    if (parameters.scale != nullptr) {
        y = b.elementwise(Op::kPROD, y, as_float(b, parameters.scale), "scaled");
    }
    if (parameters.shift != nullptr) {
        y = b.elementwise(Op::kSUM, y, as_float(b, parameters.shift), "shifted");
    }
    return b.cast(y, x->dtype, "");
}

void output_statistics(NodeContext& node, Tensor* x, const LayerNorm& parameters, std::size_t mean, std::size_t inverse) {
    if (!node.wants_output(mean) && !node.wants_output(inverse)) {
        return;
    }
    Build& b = node.build;
    const std::uint32_t axes = axes_from(node.axis(parameters.axis, x->dims.size()), x->dims.size());
    Tensor* wide = as_float(b, x);
    Tensor* average = b.reduce(ReduceOperation::kAVG, wide, axes, true, "mean");
    Tensor* centred = parameters.subtract_mean ? b.elementwise(Op::kSUB, wide, average, "centred") : wide;
    Tensor* variance = b.reduce(ReduceOperation::kAVG, b.elementwise(Op::kPROD, centred, centred, "square"), axes, true, "variance");
    Tensor* padded = b.elementwise(Op::kSUM, variance, b.number(variance, parameters.epsilon), "epsilon");
    if (node.wants_output(mean)) {
        node.output(average, mean);
    }
    if (node.wants_output(inverse)) {
        node.output(b.unary(UnaryOperation::kRECIP, b.unary(UnaryOperation::kSQRT, padded, "deviation"), "inverse"), inverse);
    }
}

} // namespace tensorvk::onnx
