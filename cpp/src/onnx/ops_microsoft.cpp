// Operators of ONNX Runtime's domain com.microsoft: activations and normalisations.
#include <cstddef>

#include "onnx/import_by_rule.hpp"
#include "onnx/microsoft_attention.hpp"
#include "onnx/normalization.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

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

//! x * sigmoid(x) for x times a number: an input or 'alpha'.
void scaled_silu(NodeContext& node) {
    Build& b = node.build;
    Tensor* x = node.input(0);
    Tensor* scale = node.has_input(1) ? b.cast(node.input(1), x->dtype) : b.number(x, static_cast<double>(node.real("alpha", 1.0f)));
    node.output(times_sigmoid(b, b.elementwise(Op::kPROD, x, scale, "scaled"), 1.0, ""));
}

//! x + gate * y
void gated_add(NodeContext& node) {
    Build& b = node.build;
    node.output(b.elementwise(Op::kSUM, node.input(0), b.elementwise(Op::kPROD, node.input(1), node.input(2), "gated"), ""));
}

//! scale * softplus(a + bias), and the sigmoid of b.
void linear_attention_gate(NodeContext& node) {
    Build& b = node.build;
    Tensor* a = node.input(0);
    Tensor* sum = b.elementwise(Op::kSUM, as_float(b, a), as_float(b, node.input(1)), "biased");
    Tensor* bent = b.activation(ActivationType::kSOFTPLUS, sum, 1.0f, 1.0f, "bent");
    finish(node, b.elementwise(Op::kPROD, bent, as_float(b, node.input(2)), "decay"), a->dtype);
    if (node.has_input(3)) {
        node.output(b.activation(ActivationType::kSIGMOID, node.input(3), 0.0f, 0.0f, "beta"), 1);
    }
}

//! Groups of as many elements as 'scale' has are normalised by their mean square, and gated.
void gated_rms_norm(NodeContext& node) {
    Build& b = node.build;
    Tensor* x = node.input(0);
    const std::size_t last = x->dims.size() - 1;
    const auto width = b.extent(x, last); // fails for scalars
    require_rank(node.input(1), 1, "scale");
    const auto size = b.extent(node.input(1), 0);
    const std::string activation = node.string("activation", "silu");
    if (!width || !size || *size < 1 || *width % *size != 0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "GatedRMSNorm needs a fixed number of elements along the last axis that is a multiple of its scales'.");
    }
    if (activation != "silu" && activation != "swish" && activation != "sigmoid") {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'activation' is '", activation, "'; silu, swish and sigmoid are allowed.");
    }
    std::vector<Extent> apart;
    std::vector<Extent> together;
    for (std::size_t axis = 0; axis < last; ++axis) {
        apart.push_back(Extent::axis(axis));
        together.push_back(Extent::axis(axis));
    }
    apart.insert(apart.end(), {Extent::of(*width / *size), Extent::of(*size)});
    together.push_back(Extent::product(last, last + 2));
    Tensor* groups = b.reshape(x, apart, "groups");
    const auto epsilon = static_cast<double>(node.real("epsilon", 1e-5f));
    Tensor* y = b.reshape(layer_normalized(node, groups, {node.input(1), nullptr, -1, epsilon, false}), together, "normalized");
    Tensor* gate = node.input(2);
    gate = activation == "sigmoid" ? b.activation(ActivationType::kSIGMOID, gate, 0.0f, 0.0f, "gate") : times_sigmoid(b, gate, 1.0, "swish");
    node.output(b.elementwise(Op::kPROD, y, gate, ""));
}

//! x + bias + skip
void bias_add(NodeContext& node) {
    Build& b = node.build;
    node.output(b.elementwise(Op::kSUM, b.elementwise(Op::kSUM, node.input(0), node.input(1), "biased"), node.input(2), ""));
}

//! The first half of x + bias, along the last axis, times the GELU of the second.
void bias_split_gelu(NodeContext& node) {
    Build& b = node.build;
    Tensor* x = b.elementwise(Op::kSUM, node.input(0), node.input(1), "biased");
    const std::size_t last = x->dims.size() - 1;
    const auto size = b.extent(x, last);
    if (!size || *size % 2 != 0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "BiasSplitGelu needs a fixed and even number of elements along the last axis of '", node.input(0)->name,
             "'.");
    }
    const auto half = [&](std::int64_t begin) {
        return b.slice(x, {static_cast<std::int64_t>(last)}, b.ints({begin}), b.ints({*size / 2}), b.ints({1}), {}, nullptr, "half");
    };
    Tensor* gate = b.activation(ActivationType::kGELU_ERF, half(*size / 2), 0.0f, 0.0f, "gate");
    node.output(b.elementwise(Op::kPROD, half(0), gate, ""));
}

//! SoftMax of data + bias over all axes from 'axis' on, as Softmax was before operator set 13.
void bias_softmax(NodeContext& node) {
    node.set_input(0, node.build.elementwise(Op::kSUM, node.input(0), node.input(1), "biased"));
    node.drop_inputs(1);
    node.stand_for("Softmax", 11);
    import_as(node, "Softmax");
}

//! data + bias + residual: nothing is dropped when a network only infers.
void bias_dropout(NodeContext& node) {
    if (node.wants_output(1)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE, "Its output 1 (mask) is used, which is only offered in training.");
    }
    Build& b = node.build;
    Tensor* y = b.elementwise(Op::kSUM, node.input(0), node.input(1), "biased");
    node.output(node.has_input(2) ? b.elementwise(Op::kSUM, y, node.input(2), "") : y);
}

//! Normalises input + skip [+ bias]; outputs 1 and 2 are statistics, output 3 is that sum.
template <bool SubtractMean>
void skip_layer_normalization(NodeContext& node) {
    Build& b = node.build;
    const std::size_t bias = SubtractMean ? 4 : 3;
    Tensor* sum = b.elementwise(Op::kSUM, node.input(0), node.input(1), "sum");
    if (node.has_input(bias)) {
        sum = b.elementwise(Op::kSUM, sum, node.input(bias), "biased");
    }
    const LayerNorm parameters{node.input(2), SubtractMean ? node.optional_input(3) : nullptr, -1,
                               static_cast<double>(node.real("epsilon", 1e-12f)), SubtractMean};
    node.output(layer_normalized(node, sum, parameters));
    output_statistics(node, sum, parameters, 1, 2);
    node.output(sum, 3);
}

Tensor* rows_of(Build& b, Tensor* table, Tensor* ids) {
    return b.add(LayerType::kGATHER, {table, ids}, graph::GatherAttributes{}, "rows");
}

//! A quantized table has its scale 6 inputs further on, and its zero point 11.
Tensor* as_numbers(NodeContext& node, Tensor* x, std::size_t table) {
    if (node.op() != "QEmbedLayerNormalization") {
        return x;
    }
    Build& b = node.build;
    Tensor* centred = b.elementwise(Op::kSUB, as_float(b, x), as_float(b, node.input(table + 11)), "centred");
    return b.elementwise(Op::kPROD, centred, node.input(table + 6), "numbers");
}

//! How many elements of each row of the mask are 1; zeros without a mask.
Tensor* mask_index(NodeContext& node) {
    Build& b = node.build;
    Tensor* mask = node.has_input(7) ? node.input(7) : node.input(0);
    Tensor* seen = as_float(b, b.elementwise(Op::kEQUAL, mask, b.number(mask, 1.0), "seen"));
    if (!node.has_input(7)) {
        seen = b.elementwise(Op::kPROD, seen, b.number(seen, 0.0), "nothing");
    }
    return b.cast(b.reduce(ReduceOperation::kSUM, seen, 1u << 1, false, "count"), DataType::kINT32, "mask_index");
}

//! Sums the rows of words, positions and segments, and normalises them.
void embed_layer_normalization(NodeContext& node) {
    Build& b = node.build;
    Tensor* ids = node.input(0);
    if (ids->dims.size() != 2) {
        fail(NodeErrorCode::kINVALID_NODE, node.op(), " needs word ids [batch, sequence].");
    }
    Tensor* positions = node.input(3);
    if (node.op() == "EmbedLayerNormalization" && node.has_input(8)) {
        positions = rows_of(b, positions, node.input(8));
    } else {
        positions = b.slice(positions, {0}, b.ints({0}), b.extents_of(ids, {1}), b.ints({1}), {}, nullptr, "positions");
    }
    Tensor* sum = b.elementwise(Op::kSUM, as_numbers(node, rows_of(b, node.input(2), ids), 2), as_numbers(node, positions, 3), "placed");
    if (node.has_input(1) && node.has_input(4)) {
        sum = b.elementwise(Op::kSUM, sum, as_numbers(node, rows_of(b, node.input(4), node.input(1)), 4), "sum");
    }
    const LayerNorm parameters{as_numbers(node, node.input(5), 5), as_numbers(node, node.input(6), 6), -1,
                               static_cast<double>(node.real("epsilon", 1e-12f)), true};
    node.output(layer_normalized(node, sum, parameters));
    if (node.wants_output(1)) {
        node.output(mask_index(node), 1);
    }
    node.output(sum, 2);
}

//! Groups of channels are normalised over their elements; channels lie last unless 'channels_last' is 0. Activation 1 is SiLU.
void normalize_groups(NodeContext& node, Tensor* x) {
    Build& b = node.build;
    const bool last = node.integer("channels_last", 1) != 0;
    Tensor* first = last ? b.transpose(x, {0, 3, 1, 2}, "channels_first") : x;
    const auto channels = b.extent(first, 1);
    const std::int64_t groups = node.integer("groups", 0);
    if (!channels || groups < 1 || *channels % groups != 0) {
        fail(NodeErrorCode::kINVALID_NODE, node.op(), " needs a fixed number of channels that is a multiple of 'groups', which is ", groups, ".");
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

void require_image(const NodeContext& node, const Tensor* x) {
    if (x->dims.size() != 4) {
        fail(NodeErrorCode::kINVALID_NODE, node.op(), " needs an input of 4 dimensions; it has ", x->dims.size(), ".");
    }
}

void group_norm(NodeContext& node) {
    require_image(node, node.input(0));
    normalize_groups(node, node.input(0));
}

//! The same for x + skip [+ bias], which is output 1. A skip of 2 dimensions has one number for each channel of each image.
void skip_group_norm(NodeContext& node) {
    Build& b = node.build;
    require_image(node, node.input(0));
    const bool last = node.integer("channels_last", 1) != 0;
    Tensor* skip = node.input(3);
    if (skip->dims.size() == 2) {
        skip = b.unsqueeze(skip, last ? Ints{1, 2} : Ints{2, 3}, "skip");
    }
    Tensor* sum = b.elementwise(Op::kSUM, node.input(0), skip, "sum");
    if (node.has_input(4)) {
        Tensor* bias = last ? node.input(4) : b.unsqueeze(node.input(4), {1, 2}, "bias");
        sum = b.elementwise(Op::kSUM, sum, bias, "biased");
    }
    normalize_groups(node, sum);
    node.output(sum, 1);
}

void simplified_layer_normalization(NodeContext& node) {
    find_operator("SimplifiedLayerNormalization")->import(node);
}

constexpr Operator kOperators[] = {
    {"com.microsoft.BiasAdd", bias_add},
    {"com.microsoft.BiasDropout", bias_dropout},
    {"com.microsoft.BiasGelu", gelu<ActivationType::kGELU_ERF>},
    {"com.microsoft.BiasSoftmax", bias_softmax},
    {"com.microsoft.BiasSplitGelu", bias_split_gelu},
    {"com.microsoft.EmbedLayerNormalization", embed_layer_normalization},
    {"com.microsoft.FastGelu", gelu<ActivationType::kGELU_TANH>},
    {"com.microsoft.GatedAdd", gated_add},
    {"com.microsoft.GatedRMSNorm", gated_rms_norm},
    {"com.microsoft.Gelu", gelu<ActivationType::kGELU_ERF>},
    {"com.microsoft.GroupNorm", group_norm},
    {"com.microsoft.LinearAttentionGate", linear_attention_gate},
    {"com.microsoft.QEmbedLayerNormalization", embed_layer_normalization},
    {"com.microsoft.QuickGelu", quick_gelu},
    {"com.microsoft.ScaledSiLU", scaled_silu},
    {"com.microsoft.SimplifiedLayerNormalization", simplified_layer_normalization},
    {"com.microsoft.SkipGroupNorm", skip_group_norm},
    {"com.microsoft.SkipLayerNormalization", skip_layer_normalization<true>},
    {"com.microsoft.SkipSimplifiedLayerNormalization", skip_layer_normalization<false>},
};

} // namespace

std::span<const Operator> microsoft_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
