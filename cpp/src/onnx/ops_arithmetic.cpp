// Operators of two or more inputs with numpy broadcasting.
#include <algorithm>

#include "onnx/operators.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;

template <ElementWiseOperation Op>
void binary(NodeContext& node) {
    node.output(node.build.elementwise(Op, node.input(0), node.input(1), ""));
}

//! Sums, differences and products of 8-bit integers wrap, as in numpy.
template <ElementWiseOperation Op>
void wrapping(NodeContext& node) {
    const DataType type = node.input(0)->dtype;
    if (type != DataType::kINT8 && type != DataType::kUINT8) {
        return binary<Op>(node);
    }
    Build& b = node.build;
    Tensor* left = b.cast(node.input(0), DataType::kINT32, "left");
    Tensor* right = b.cast(node.input(1), DataType::kINT32, "right");
    node.output(b.low_bits(b.elementwise(Op, left, right, "exact"), type, ""));
}

//! One input or more, combined from the left.
template <ElementWiseOperation Op>
Tensor* combined(NodeContext& node, bool last_is_node) {
    const std::vector<Tensor*> inputs = node.all_inputs();
    Tensor* y = inputs[0];
    for (std::size_t i = 1; i < inputs.size(); ++i) {
        const bool last = i + 1 == inputs.size() && last_is_node;
        y = node.build.elementwise(Op, y, inputs[i], last ? "" : "partial");
    }
    return y;
}

template <ElementWiseOperation Op>
void variadic(NodeContext& node) {
    Tensor* y = combined<Op>(node, true);
    node.output(node.input_count() > 1 ? y : node.build.add(LayerType::kIDENTITY, {y}, graph::NoAttributes{}));
}

void mean(NodeContext& node) {
    Tensor* sum = combined<ElementWiseOperation::kSUM>(node, false);
    Tensor* factor = node.build.number(sum, 1.0 / static_cast<double>(node.input_count()));
    node.output(node.build.elementwise(ElementWiseOperation::kPROD, sum, factor, ""));
}

//! The exponent may have another type than the base, which gives the result's.
void power(NodeContext& node) {
    Tensor* base = node.input(0);
    if (!is_floating(base->dtype) && is_floating(node.input(1)->dtype)) {
        Tensor* real = node.build.cast(base, node.input(1)->dtype, "base");
        real = node.build.elementwise(ElementWiseOperation::kPOW, real, node.input(1), "power");
        return node.output(node.build.cast(real, base->dtype, ""));
    }
    Tensor* exponent = node.build.cast(node.input(1), base->dtype, "exponent");
    node.output(node.build.elementwise(ElementWiseOperation::kPOW, base, exponent, ""));
}

//! a op b or a == b; not the negation of the opposite, which is wrong for NaN.
template <ElementWiseOperation Op>
void or_equal(NodeContext& node) {
    Tensor* strict = node.build.elementwise(Op, node.input(0), node.input(1), "strict");
    Tensor* equal = node.build.elementwise(ElementWiseOperation::kEQUAL, node.input(0), node.input(1), "equal");
    node.output(node.build.elementwise(ElementWiseOperation::kOR, strict, equal, ""));
}

//! Sign of the divisor (Python), or of the dividend with fmod (C).
void mod(NodeContext& node) {
    Tensor* a = node.input(0);
    Tensor* b = node.input(1);
    Build& build = node.build;
    Tensor* quotient = nullptr;
    if (node.integer("fmod", 0) == 0) {
        quotient = build.elementwise(ElementWiseOperation::kFLOOR_DIV, a, b, "quotient");
    } else if (is_floating(a->dtype)) { // rounded towards zero
        Tensor* exact = build.elementwise(ElementWiseOperation::kDIV, a, b, "exact");
        Tensor* magnitude =
            build.unary(UnaryOperation::kFLOOR, build.unary(UnaryOperation::kABS, exact, "abs"), "floor");
        quotient = build.elementwise(ElementWiseOperation::kPROD, build.unary(UnaryOperation::kSIGN, exact, "sign"),
                                     magnitude, "quotient");
    } else {
        quotient = build.elementwise(ElementWiseOperation::kDIV, a, b, "quotient");
    }
    Tensor* whole = build.elementwise(ElementWiseOperation::kPROD, quotient, b, "whole");
    node.output(build.elementwise(ElementWiseOperation::kSUB, a, whole, ""));
}

void where(NodeContext& node) {
    Tensor* condition = node.input(0);
    Tensor* yes = node.input(1);
    Tensor* no = node.input(2);
    const std::size_t rank = std::max({condition->dims.size(), yes->dims.size(), no->dims.size()});
    Build& b = node.build;
    node.output(b.add(LayerType::kSELECT, {b.with_rank(condition, rank), b.with_rank(yes, rank), b.with_rank(no, rank)},
                      graph::NoAttributes{}));
}

constexpr Operator kOperators[] = {
    {"Add", wrapping<ElementWiseOperation::kSUM>},
    {"And", binary<ElementWiseOperation::kAND>},
    {"Div", binary<ElementWiseOperation::kDIV>},
    {"Equal", binary<ElementWiseOperation::kEQUAL>},
    {"Greater", binary<ElementWiseOperation::kGREATER>},
    {"GreaterOrEqual", or_equal<ElementWiseOperation::kGREATER>},
    {"Less", binary<ElementWiseOperation::kLESS>},
    {"LessOrEqual", or_equal<ElementWiseOperation::kLESS>},
    {"Max", variadic<ElementWiseOperation::kMAX>},
    {"Mean", mean},
    {"Min", variadic<ElementWiseOperation::kMIN>},
    {"Mod", mod},
    {"Mul", wrapping<ElementWiseOperation::kPROD>},
    {"Or", binary<ElementWiseOperation::kOR>},
    {"Pow", power},
    {"Sub", wrapping<ElementWiseOperation::kSUB>},
    {"Sum", variadic<ElementWiseOperation::kSUM>},
    {"Where", where},
    {"Xor", binary<ElementWiseOperation::kXOR>},
};

} // namespace

std::span<const Operator> arithmetic_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
