// Activations and functions of one input.
#include <limits>

#include "onnx/normalization.hpp"
#include "onnx/operators.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;

template <ActivationType Op>
void plain(NodeContext& node) {
    node.output(node.build.activation(Op, node.input(0), 1.0f, 1.0f, ""));
}

template <UnaryOperation Op>
void unary(NodeContext& node) {
    node.output(node.build.unary(Op, node.input(0), ""));
}

//! Of 8-bit integers, -128 stays -128, as in numpy.
template <UnaryOperation Op>
void wrapping(NodeContext& node) {
    if (node.input(0)->dtype != DataType::kINT8) {
        return unary<Op>(node);
    }
    Build& b = node.build;
    Tensor* exact = b.unary(Op, b.cast(node.input(0), DataType::kINT32, "wide"), "exact");
    node.output(b.low_bits(exact, DataType::kINT8, ""));
}

//! Computes in another type what the layer does not offer in x's own.
template <typename Compute>
void through(NodeContext& node, DataType type, const Compute& compute) {
    Tensor* x = node.input(0);
    node.output(node.build.cast(compute(node.build.cast(x, type, "input")), x->dtype, ""));
}

void abs(NodeContext& node) {
    if (node.input(0)->dtype == DataType::kUINT8) {
        return node.output(node.build.add(LayerType::kIDENTITY, {node.input(0)}, graph::NoAttributes{}));
    }
    wrapping<UnaryOperation::kABS>(node);
}

void sign(NodeContext& node) {
    if (node.input(0)->dtype == DataType::kUINT8) {
        return through(node, DataType::kINT32, [&](Tensor* x) { return node.build.unary(UnaryOperation::kSIGN, x, "sign"); });
    }
    unary<UnaryOperation::kSIGN>(node);
}

//! Of integers it is -1, 0 or 1.
void erf(NodeContext& node) {
    if (!is_floating(node.input(0)->dtype)) {
        return through(node, DataType::kFLOAT, [&](Tensor* x) { return node.build.unary(UnaryOperation::kERF, x, "erf"); });
    }
    unary<UnaryOperation::kERF>(node);
}

void relu(NodeContext& node) {
    Tensor* x = node.input(0);
    if (is_floating(x->dtype)) {
        node.output(node.build.activation(ActivationType::kRELU, x, 0.0f, 0.0f, ""));
    } else {
        node.output(node.build.elementwise(ElementWiseOperation::kMAX, x, node.build.number(x, 0.0), ""));
    }
}

void leaky_relu(NodeContext& node) {
    node.output(node.build.activation(ActivationType::kLEAKY_RELU, node.input(0), node.real("alpha", 0.01f), 0.0f, ""));
}

void elu(NodeContext& node) {
    node.output(node.build.activation(ActivationType::kELU, node.input(0), node.real("alpha", 1.0f), 0.0f, ""));
}

//! alpha * elu(x / alpha)
void celu(NodeContext& node) {
    Tensor* x = node.input(0);
    const float alpha = node.real("alpha", 1.0f);
    Tensor* scaled = node.build.elementwise(ElementWiseOperation::kDIV, x,
                                            node.build.number(x, static_cast<double>(alpha)), "scaled");
    Tensor* y = node.build.activation(ActivationType::kELU, scaled, 1.0f, 0.0f, "elu");
    node.output(
        node.build.elementwise(ElementWiseOperation::kPROD, y, node.build.number(x, static_cast<double>(alpha)), ""));
}

void selu(NodeContext& node) {
    node.output(node.build.activation(ActivationType::kSELU, node.input(0),
                                      node.real("alpha", 1.67326319217681884765625f),
                                      node.real("gamma", 1.05070102214813232421875f), ""));
}

void hard_sigmoid(NodeContext& node) {
    node.output(node.build.activation(ActivationType::kHARD_SIGMOID, node.input(0), node.real("alpha", 0.2f),
                                      node.real("beta", 0.5f), ""));
}

void hard_swish(NodeContext& node) {
    Tensor* x = node.input(0);
    Tensor* gate = node.build.activation(ActivationType::kHARD_SIGMOID, x, 1.0f / 6.0f, 0.5f, "gate");
    node.output(node.build.elementwise(ElementWiseOperation::kPROD, x, gate, ""));
}

//! x * sigmoid(alpha * x)
void swish(NodeContext& node) {
    Tensor* x = node.input(0);
    const float alpha = node.real("alpha", 1.0f);
    Tensor* scaled = alpha == 1.0f ? x
                                   : node.build.elementwise(ElementWiseOperation::kPROD, x,
                                                            node.build.number(x, static_cast<double>(alpha)), "scaled");
    Tensor* gate = node.build.activation(ActivationType::kSIGMOID, scaled, 0.0f, 0.0f, "gate");
    node.output(node.build.elementwise(ElementWiseOperation::kPROD, x, gate, ""));
}

void mish(NodeContext& node) {
    Tensor* x = node.input(0);
    Tensor* soft = node.build.activation(ActivationType::kSOFTPLUS, x, 1.0f, 1.0f, "softplus");
    Tensor* gate = node.build.activation(ActivationType::kTANH, soft, 0.0f, 0.0f, "gate");
    node.output(node.build.elementwise(ElementWiseOperation::kPROD, x, gate, ""));
}

void thresholded_relu(NodeContext& node) {
    node.output(
        node.build.activation(ActivationType::kTHRESHOLDED_RELU, node.input(0), node.real("alpha", 1.0f), 0.0f, ""));
}

void scaled_tanh(NodeContext& node) {
    node.output(node.build.activation(ActivationType::kSCALED_TANH, node.input(0), node.real("alpha", 1.0f),
                                      node.real("beta", 1.0f), ""));
}

void gelu(NodeContext& node) {
    const std::string approximate = node.string("approximate", "none");
    if (approximate != "none" && approximate != "tanh") {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attribute 'approximate' is '", approximate,
             "'; 'none' and 'tanh' are allowed.");
    }
    node.output(node.build.activation(approximate == "tanh" ? ActivationType::kGELU_TANH : ActivationType::kGELU_ERF,
                                      node.input(0), 0.0f, 0.0f, ""));
}

void prelu(NodeContext& node) {
    Tensor* x = node.input(0);
    Tensor* slope = node.input(1);
    const bool per_channel = node.opset() < 7 && slope->dims.size() == 1 && x->dims.size() > 1 && node.build.extent(slope, 0) != 1;
    slope = per_channel ? along(node.build, slope, 1, x->dims.size()) : node.build.with_rank(slope, x->dims.size());
    if (!is_floating(x->dtype)) {
        Build& b = node.build;
        Tensor* negative = b.elementwise(ElementWiseOperation::kLESS, x, b.number(x, 0.0), "negative");
        Tensor* scaled = b.elementwise(ElementWiseOperation::kPROD, x, slope, "scaled");
        return node.output(b.add(LayerType::kSELECT, {negative, scaled, x}, graph::NoAttributes{}));
    }
    node.output(node.build.add(LayerType::kPARAMETRIC_RELU, {x, slope}, graph::NoAttributes{}));
}

//! Bounds are attributes until opset 11, inputs from then on; an absent or infinite one does not bound.
void clip(NodeContext& node) {
    Tensor* x = node.input(0);
    constexpr float kLargest = std::numeric_limits<float>::max();
    if (node.opset() < 11) {
        node.output(node.build.activation(ActivationType::kCLIP, x, node.real("min", -kLargest),
                                          node.real("max", kLargest), ""));
        return;
    }
    const auto low = node.has_input(1) ? node.constant_doubles(1) : std::vector{static_cast<double>(-kLargest)};
    const auto high = node.has_input(2) ? node.constant_doubles(2) : std::vector{static_cast<double>(kLargest)};
    if (is_floating(x->dtype) && low && high && low->size() == 1 && high->size() == 1) {
        node.output(node.build.activation(ActivationType::kCLIP, x, static_cast<float>(low->front()),
                                          static_cast<float>(high->front()), ""));
        return;
    }
    Tensor* y = x;
    if (node.has_input(1)) {
        y = node.build.elementwise(ElementWiseOperation::kMAX, y, node.input(1), "low");
    }
    if (node.has_input(2)) {
        y = node.build.elementwise(ElementWiseOperation::kMIN, y, node.input(2), "high");
    }
    node.output(y != x ? y : node.build.add(LayerType::kIDENTITY, {x}, graph::NoAttributes{}));
}

//! x < -lambd: x + bias; x > lambd: x - bias; else 0
Tensor* shrunk(const NodeContext& node, Tensor* x) {
    const auto lambd = static_cast<double>(node.real("lambd", 0.5f));
    const auto bias = static_cast<double>(node.real("bias", 0.0f));
    Build& b = node.build;
    Tensor* zero = b.number(x, 0.0);
    Tensor* below = b.elementwise(ElementWiseOperation::kLESS, x, b.number(x, -lambd), "below");
    Tensor* above = b.elementwise(ElementWiseOperation::kGREATER, x, b.number(x, lambd), "above");
    Tensor* up = b.elementwise(ElementWiseOperation::kSUM, x, b.number(x, bias), "up");
    Tensor* down = b.elementwise(ElementWiseOperation::kSUB, x, b.number(x, bias), "down");
    Tensor* positive = b.add(LayerType::kSELECT, {above, down, zero}, graph::NoAttributes{}, "positive");
    return b.add(LayerType::kSELECT, {below, up, positive}, graph::NoAttributes{}, "shrunk");
}

//! lambd and bias are real also where the elements are integers.
void shrink(NodeContext& node) {
    through(node, is_floating(node.input(0)->dtype) ? node.input(0)->dtype : DataType::kFLOAT,
            [&](Tensor* x) { return shrunk(node, x); });
}

//! Of both signs, or of one.
void is_infinite(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const bool positive = node.integer("detect_positive", 1) != 0;
    const bool negative = node.integer("detect_negative", 1) != 0;
    if (positive && negative) {
        return node.output(b.unary(UnaryOperation::kISINF, x, ""));
    }
    Tensor* infinite = b.unary(UnaryOperation::kISINF, x, "infinite");
    const auto wanted = positive ? ElementWiseOperation::kGREATER : ElementWiseOperation::kLESS;
    Tensor* sign = b.elementwise(wanted, x, b.number(x, 0.0), "sign");
    if (!positive && !negative) {
        sign = b.elementwise(ElementWiseOperation::kXOR, infinite, infinite, "never");
    }
    node.output(b.elementwise(ElementWiseOperation::kAND, infinite, sign, ""));
}

constexpr Operator kOperators[] = {
    {"Abs", abs, 1},
    {"Acos", unary<UnaryOperation::kACOS>, 1},
    {"Acosh", unary<UnaryOperation::kACOSH>, 1},
    {"Asin", unary<UnaryOperation::kASIN>, 1},
    {"Asinh", unary<UnaryOperation::kASINH>, 1},
    {"Atan", unary<UnaryOperation::kATAN>, 1},
    {"Atanh", unary<UnaryOperation::kATANH>, 1},
    {"Ceil", unary<UnaryOperation::kCEIL>, 1},
    {"Celu", celu, 1},
    {"Clip", clip, 3},
    {"Cos", unary<UnaryOperation::kCOS>, 1},
    {"Cosh", unary<UnaryOperation::kCOSH>, 1},
    {"Elu", elu, 1},
    {"Erf", erf, 1},
    {"Exp", unary<UnaryOperation::kEXP>, 1},
    {"Floor", unary<UnaryOperation::kFLOOR>, 1},
    {"Gelu", gelu, 1},
    {"HardSigmoid", hard_sigmoid, 1},
    {"HardSwish", hard_swish, 1},
    {"IsInf", is_infinite, 1},
    {"IsNaN", unary<UnaryOperation::kISNAN>, 1},
    {"LeakyRelu", leaky_relu, 1},
    {"Log", unary<UnaryOperation::kLOG>, 1},
    {"Mish", mish, 1},
    {"Neg", wrapping<UnaryOperation::kNEG>, 1},
    {"Not", unary<UnaryOperation::kNOT>, 1},
    {"PRelu", prelu, 2},
    {"Reciprocal", unary<UnaryOperation::kRECIP>, 1},
    {"Relu", relu, 1},
    {"Round", unary<UnaryOperation::kROUND>, 1},
    {"ScaledTanh", scaled_tanh},
    {"Selu", selu, 1},
    {"Shrink", shrink, 1},
    {"Sigmoid", plain<ActivationType::kSIGMOID>, 1},
    {"Sign", sign, 1},
    {"Sin", unary<UnaryOperation::kSIN>, 1},
    {"Sinh", unary<UnaryOperation::kSINH>, 1},
    {"Softplus", plain<ActivationType::kSOFTPLUS>, 1},
    {"Softsign", plain<ActivationType::kSOFTSIGN>, 1},
    {"Sqrt", unary<UnaryOperation::kSQRT>, 1},
    {"Swish", swish, 1},
    {"Tan", unary<UnaryOperation::kTAN>, 1},
    {"Tanh", plain<ActivationType::kTANH>, 1},
    {"ThresholdedRelu", thresholded_relu, 1},
};

} // namespace

std::span<const Operator> activation_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
