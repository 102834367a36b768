// Operators of ONNX Runtime's domain com.microsoft: activations, products and normalisations.
#include <algorithm>
#include <limits>

#include "onnx/normalization.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

void refuse_outputs(const NodeContext& node, std::size_t first, std::size_t last, const char* what) {
    for (std::size_t i = first; i <= last; ++i) {
        if (node.wants_output(i)) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE, "Its output ", i, " (", what, ") is used, which is not offered.");
        }
    }
}

//! GELU of x, or of x + bias where a bias is given.
template <ActivationType Type>
void gelu(NodeContext& node) {
    Tensor* x = node.input(0);
    if (node.has_input(1)) {
        x = node.build.elementwise(Op::kSUM, x, node.input(1), "biased");
    }
    node.output(node.build.activation(Type, x, 0.0f, 0.0f, ""));
}

Tensor* times_sigmoid(Build& b, Tensor* x, double alpha, std::string_view role) {
    Tensor* scaled = alpha == 1.0 ? x : b.elementwise(Op::kPROD, x, b.number(x, alpha), "scaled");
    return b.elementwise(Op::kPROD, x, b.activation(ActivationType::kSIGMOID, scaled, 0.0f, 0.0f, "gate"), role);
}

//! x * sigmoid(alpha * x)
void quick_gelu(NodeContext& node) {
    node.output(times_sigmoid(node.build, node.input(0), static_cast<double>(node.real("alpha", 1.702f)), ""));
}

//! The activation that a fused node names; its numbers are a list or attributes of their own.
Tensor* fused_activation(NodeContext& node, Tensor* x) {
    struct Named {
        const char* name;
        ActivationType type;
        float alpha, beta;
    };
    constexpr float kLargest = std::numeric_limits<float>::max();
    static constexpr Named kActivations[] = {
        {"Relu", ActivationType::kRELU, 0.0f, 0.0f},           {"Tanh", ActivationType::kTANH, 0.0f, 0.0f},
        {"Sigmoid", ActivationType::kSIGMOID, 0.0f, 0.0f},     {"LeakyRelu", ActivationType::kLEAKY_RELU, 0.01f, 0.0f},
        {"Clip", ActivationType::kCLIP, -kLargest, kLargest}, {"HardSigmoid", ActivationType::kHARD_SIGMOID, 0.2f, 0.5f},
    };
    const std::string name = node.string("activation", "");
    if (name.empty()) {
        return x;
    }
    const auto* it = std::find_if(std::begin(kActivations), std::end(kActivations), [&](const Named& a) { return name == a.name; });
    if (it == std::end(kActivations)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attribute 'activation' is '", name,
             "'; Relu, Tanh, Sigmoid, LeakyRelu, Clip and HardSigmoid are offered.");
    }
    const std::vector<float> numbers = node.reals("activation_params");
    const float alpha = numbers.empty() ? node.real("activation_alpha", it->alpha) : numbers[0];
    const float beta = numbers.size() < 2 ? node.real("activation_beta", it->beta) : numbers[1];
    return node.build.activation(it->type, x, alpha, beta, "activation");
}

//! The operator of the default domain does the work; what is left is done to its result.
Tensor* result_of(NodeContext& node, std::string_view op) {
    find_operator(op)->import(node);
    return node.results().at(0).tensor;
}

//! Conv, plus input 3 where there is one, and an activation.
void fused_convolution(NodeContext& node) {
    Tensor* y = result_of(node, "Conv");
    if (node.has_input(3)) {
        y = node.build.elementwise(Op::kSUM, y, node.input(3), "sum");
    }
    node.output(fused_activation(node, y));
}

void fused_gemm(NodeContext& node) {
    node.output(fused_activation(node, result_of(node, "Gemm")));
}

//! alpha * a' * b', where transposing swaps the last two axes of matrices and leaves vectors.
void fused_matmul(NodeContext& node) {
    if (node.integer("transBatchA", 0) != 0 || node.integer("transBatchB", 0) != 0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attributes 'transBatchA' and 'transBatchB' are only offered as 0.");
    }
    Tensor* a = node.input(0);
    Tensor* b = node.input(1);
    if (a->dims.size() < 2 || b->dims.size() < 2) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "FusedMatMul needs inputs of two dimensions or more.");
    }
    const auto operation = [&](const char* name) {
        return node.integer(name, 0) != 0 ? MatrixOperation::kTRANSPOSE : MatrixOperation::kNONE;
    };
    const std::size_t rank = std::max(a->dims.size(), b->dims.size());
    const float alpha = node.real("alpha", 1.0f);
    const graph::MatrixMultiplyAttributes attributes{operation("transA"), operation("transB")};
    Tensor* y = node.build.add(LayerType::kMATRIX_MULTIPLY, {node.build.with_rank(a, rank), node.build.with_rank(b, rank)}, attributes,
                               alpha == 1.0f ? "" : "product");
    node.output(alpha == 1.0f ? y : node.build.elementwise(Op::kPROD, y, node.build.number(y, static_cast<double>(alpha)), ""));
}

//! Normalises input + skip [+ bias]; output 3 is that sum.
template <bool SubtractMean>
void skip_layer_normalization(NodeContext& node) {
    refuse_outputs(node, 1, 2, "statistics");
    Build& b = node.build;
    const std::size_t bias = SubtractMean ? 4 : 3;
    Tensor* sum = b.elementwise(Op::kSUM, node.input(0), node.input(1), "sum");
    if (node.has_input(bias)) {
        sum = b.elementwise(Op::kSUM, sum, node.input(bias), "biased");
    }
    const LayerNorm parameters{node.input(2), SubtractMean ? node.optional_input(3) : nullptr, -1,
                               static_cast<double>(node.real("epsilon", 1e-12f)), SubtractMean};
    node.output(layer_normalized(node, sum, parameters));
    node.output(sum, 3);
}

Tensor* rows_of(Build& b, Tensor* table, Tensor* ids) {
    return b.add(LayerType::kGATHER, {table, ids}, graph::GatherAttributes{}, "rows");
}

//! Sums the rows of words, positions and segments, and normalises them.
void embed_layer_normalization(NodeContext& node) {
    refuse_outputs(node, 1, 1, "mask_index");
    Build& b = node.build;
    Tensor* ids = node.input(0);
    if (ids->dims.size() != 2) {
        fail(NodeErrorCode::kINVALID_NODE, "EmbedLayerNormalization needs word ids [batch, sequence].");
    }
    Tensor* positions = node.input(3);
    if (node.has_input(8)) {
        positions = rows_of(b, positions, node.input(8));
    } else {
        positions = b.slice(positions, {0}, b.ints({0}), b.extents_of(ids, {1}), b.ints({1}), {}, nullptr, "positions");
    }
    Tensor* sum = b.elementwise(Op::kSUM, rows_of(b, node.input(2), ids), positions, "placed");
    if (node.has_input(1) && node.has_input(4)) {
        sum = b.elementwise(Op::kSUM, sum, rows_of(b, node.input(4), node.input(1)), "sum");
    }
    const LayerNorm parameters{node.input(5), node.input(6), -1, static_cast<double>(node.real("epsilon", 1e-12f)), true};
    node.output(layer_normalized(node, sum, parameters));
    node.output(sum, 2);
}

//! Groups of channels are normalised over their elements; channels lie last unless 'channels_last' is 0. Activation 1 is SiLU.
void group_norm(NodeContext& node) {
    Build& b = node.build;
    const bool last = node.integer("channels_last", 1) != 0;
    Tensor* x = node.input(0);
    if (x->dims.size() != 4) {
        fail(NodeErrorCode::kINVALID_NODE, "GroupNorm needs an input of 4 dimensions; it has ", x->dims.size(), ".");
    }
    Tensor* first = last ? b.transpose(x, {0, 3, 1, 2}, "channels_first") : x;
    const auto channels = b.extent(first, 1);
    const std::int64_t groups = node.integer("groups", 0);
    if (!channels || groups < 1 || *channels % groups != 0) {
        fail(NodeErrorCode::kINVALID_NODE, "GroupNorm needs a fixed number of channels that is a multiple of 'groups', which is ", groups, ".");
    }
    Tensor* grouped = b.reshape(as_float(b, first),
                                {Extent::axis(0), Extent::of(groups), Extent::of(*channels / groups), Extent::axis(2), Extent::axis(3)}, "groups");
    Tensor* y = normalized(b, grouped, axes_from(2, 5), static_cast<double>(node.real("epsilon", 1e-5f)));
    y = b.reshape(y, {Extent::axis(0), Extent::product(1, 3), Extent::axis(3), Extent::axis(4)}, "channels");
    y = b.elementwise(Op::kPROD, y, b.unsqueeze(as_float(b, node.input(1)), {1, 2}, "scale"), "scaled");
    y = b.elementwise(Op::kSUM, y, b.unsqueeze(as_float(b, node.input(2)), {1, 2}, "shift"), "shifted");
    if (node.integer("activation", 0) == 1) {
        y = times_sigmoid(b, y, 1.0, "activation");
    }
    finish(node, last ? b.transpose(y, {0, 2, 3, 1}, "channels_last") : y, x->dtype);
}

void simplified_layer_normalization(NodeContext& node) {
    find_operator("SimplifiedLayerNormalization")->import(node);
}

constexpr Operator kOperators[] = {
    {"com.microsoft.BiasGelu", gelu<ActivationType::kGELU_ERF>},
    {"com.microsoft.EmbedLayerNormalization", embed_layer_normalization},
    {"com.microsoft.FastGelu", gelu<ActivationType::kGELU_TANH>},
    {"com.microsoft.FusedConv", fused_convolution},
    {"com.microsoft.FusedGemm", fused_gemm},
    {"com.microsoft.FusedMatMul", fused_matmul},
    {"com.microsoft.Gelu", gelu<ActivationType::kGELU_ERF>},
    {"com.microsoft.GroupNorm", group_norm},
    {"com.microsoft.QuickGelu", quick_gelu},
    {"com.microsoft.SimplifiedLayerNormalization", simplified_layer_normalization},
    {"com.microsoft.SkipLayerNormalization", skip_layer_normalization<true>},
    {"com.microsoft.SkipSimplifiedLayerNormalization", skip_layer_normalization<false>},
};

} // namespace

std::span<const Operator> microsoft_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
