// Normalisations, made of scale, reductions and element-wise layers.
#include <algorithm>
#include <numeric>

#include "onnx/normalization.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

void instance_normalization(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::size_t rank = x->dims.size();
    if (rank < 3) {
        fail(NodeErrorCode::kINVALID_NODE, "InstanceNormalization needs an input of 3 dimensions or more; it has ",
             rank, ".");
    }
    require_vector(node.input(1), "scale");
    require_vector(node.input(2), "bias");
    Tensor* y = normalized(b, as_float(b, x), axes_from(2, rank), static_cast<double>(node.real("epsilon", 1e-5f)));
    y = b.elementwise(Op::kPROD, y, along(b, as_float(b, node.input(1)), 1, rank), "scaled");
    y = b.elementwise(Op::kSUM, y, along(b, as_float(b, node.input(2)), 1, rank),
                      x->dtype == DataType::kFLOAT ? "" : "shifted");
    finish(node, y, x->dtype);
}

template <bool SubtractMean>
void layer_normalization(NodeContext& node) {
    const LayerNorm parameters{node.input(1), SubtractMean ? node.optional_input(2) : nullptr, node.integer("axis", -1),
                               static_cast<double>(node.real("epsilon", 1e-5f)), SubtractMean};
    node.output(layer_normalized(node, node.input(0), parameters));
    if (SubtractMean) {
        output_statistics(node, node.input(0), parameters, 1, 2);
    } else { // the only statistic of ONNX Runtime's SimplifiedLayerNormalization
        output_statistics(node, node.input(0), parameters, kNoOutput, 1);
    }
}

//! (x - mean) / (deviation + 1e-9) over some axes: the order in which ONNX's function body has it.
void mean_variance_normalization(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    std::uint32_t axes = 0;
    for (const std::int64_t axis : node.axes(node.integers("axes", {0, 2, 3}), x->dims.size())) {
        axes |= 1u << axis;
    }
    Tensor* wide = as_float(b, x);
    Tensor* centred = b.elementwise(Op::kSUB, wide, b.reduce(ReduceOperation::kAVG, wide, axes, true, "mean"), "centred");
    Tensor* variance = b.reduce(ReduceOperation::kAVG, b.elementwise(Op::kPROD, centred, centred, "square"), axes, true, "variance");
    Tensor* deviation = b.unary(UnaryOperation::kSQRT, variance, "deviation");
    Tensor* padded = b.elementwise(Op::kSUM, deviation, b.number(deviation, 1e-9), "epsilon");
    finish(node, b.elementwise(Op::kDIV, centred, padded, "normalized"), x->dtype);
}

//! Channels in groups: [N, groups, everything else] is normalised over its last axis.
void group_normalization(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::size_t rank = x->dims.size();
    const auto channels = rank >= 3 ? b.extent(x, 1) : std::nullopt;
    const std::int64_t groups = node.integer("num_groups", 0);
    if (!channels || groups < 1 || *channels % groups != 0) {
        fail(NodeErrorCode::kINVALID_NODE,
             "GroupNormalization needs an input of 3 dimensions or more with a fixed number of channels that is a "
             "multiple of ",
             "'num_groups', which is ", groups, ".");
    }
    require_vector(node.input(1), "scale");
    require_vector(node.input(2), "bias");
    std::vector<Extent> grouped = {Extent::axis(0), Extent::of(groups), Extent::of(*channels / groups)};
    std::vector<Extent> back = {Extent::axis(0), Extent::of(*channels)};
    for (std::size_t axis = 2; axis < rank; ++axis) {
        grouped.push_back(Extent::axis(axis));
        back.push_back(Extent::axis(axis + 1));
    }
    Tensor* y = normalized(b, b.reshape(as_float(b, x), grouped, "groups"), axes_from(2, rank + 1),
                           static_cast<double>(node.real("epsilon", 1e-5f)));
    // Until opset 21 scale and bias have one number per group.
    const bool per_group = node.opset() < 21 && b.extent(node.input(1), 0) != channels;
    const auto apply = [&](Op op, std::size_t input, const char* role) {
        y = b.elementwise(op, y, along(b, as_float(b, node.input(input)), 1, y->dims.size()), role);
    };
    if (!per_group) {
        y = b.reshape(y, back, "channels");
    }
    apply(Op::kPROD, 1, "scaled");
    apply(Op::kSUM, 2, "shifted");
    if (per_group) {
        y = b.reshape(y, back, "channels");
    }
    finish(node, y, x->dtype);
}

//! x / (bias + alpha * mean of squares over neighbouring channels) ^ beta
void local_response_normalization(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::size_t rank = x->dims.size();
    const std::int64_t size = node.integer("size", 0);
    if (rank < 2 || size < 1) {
        fail(NodeErrorCode::kINVALID_NODE, "LRN needs two dimensions or more and a 'size' of 1 or more.");
    }
    Tensor* square = b.elementwise(Op::kPROD, x, x, "square");
    Tensor* plane =
        b.reshape(square, {Extent::axis(0), Extent::of(1), Extent::axis(1), Extent::product(2, rank)}, "plane");
    graph::PoolingAttributes pool;
    pool.op = PoolingType::kAVERAGE;
    pool.geometry.window = {size, 1};
    pool.geometry.pre = {(size - 1) / 2, 0};
    pool.geometry.post = {size / 2, 0};
    pool.geometry.exclude_padding = false;
    Tensor* mean = b.add(LayerType::kPOOLING, {plane}, std::move(pool), "neighbours");
    Tensor* y = b.reshape_to(mean, b.shape_of(x), "back");
    y = b.elementwise(Op::kPROD, y, b.number(y, static_cast<double>(node.real("alpha", 1e-4f))), "alpha");
    y = b.elementwise(Op::kSUM, y, b.number(y, static_cast<double>(node.real("bias", 1.0f))), "bias");
    y = b.elementwise(Op::kPOW, y, b.number(y, static_cast<double>(node.real("beta", 0.75f))), "beta");
    node.output(b.elementwise(Op::kDIV, x, y, ""));
}

void lp_normalization(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::int64_t p = node.integer("p", 2);
    if (p != 1 && p != 2) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'p' is ", p, "; 1 and 2 are allowed.");
    }
    const std::uint32_t mask = 1u << node.axis(node.integer("axis", -1), x->dims.size());
    Tensor* magnitude =
        p == 1 ? b.unary(UnaryOperation::kABS, x, "magnitude") : b.elementwise(Op::kPROD, x, x, "square");
    Tensor* norm = b.reduce(ReduceOperation::kSUM, magnitude, mask, true, "sum");
    if (p == 2) {
        norm = b.unary(UnaryOperation::kSQRT, norm, "norm");
    }
    // A norm of 0 is that of zeros, which stay zeros.
    Tensor* quotient = b.elementwise(Op::kDIV, x, norm, "quotient");
    Tensor* zero = b.elementwise(Op::kEQUAL, norm, b.number(norm, 0.0), "zero");
    node.output(b.add(LayerType::kSELECT, {zero, x, quotient}, graph::NoAttributes{}));
}

constexpr Operator kOperators[] = {
    {"GroupNormalization", group_normalization, 3},       {"InstanceNormalization", instance_normalization, 3},
    {"LRN", local_response_normalization, 1},
    {"LayerNormalization", layer_normalization<true>, 3}, {"LpNormalization", lp_normalization, 1},
    {"MeanVarianceNormalization", mean_variance_normalization, 1},
    {"RMSNormalization", layer_normalization<false>, 2},
    {"SimplifiedLayerNormalization", layer_normalization<false>}, // ONNX Runtime's, which exporters write into the default domain
};

} // namespace

std::span<const Operator> normalization_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
